"""A specification made ready for one model: its prompts, its matchers, and the results of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from detent.automata.compiled import Grammar
from detent.grammar.errors import DeadEnd, Truncated
from detent.grammar.residual import Residual
from detent.grammar.types import output_type
from detent.models import LanguageModel
from detent.results import Finish, Result, Stats
from detent.sampler.guide import Guide, Predicate

if TYPE_CHECKING:
    from detent.automata.json_grammars import Numbers, Whitespace
    from detent.automata.records import Order
    from detent.decoding import Row
    from detent.grammar.types import JsonSchema


class Task:
    """What one call of :func:`detent.run` asks of a model.

    Parameters
    ----------
    lm : LanguageModel
    spec : type, dict, bool, str, Grammar or None
        See :func:`detent.run`.
    whitespace, numbers : str
        As for ``Compiler.json_schema``.
    strict : bool
        As for ``Compiler.json_schema``.
    constrained : bool
        Whether the rows get a grammar.
    where : Predicate or callable or None
        See :func:`detent.run`.
    """

    def __init__(
        self,
        lm: LanguageModel,
        spec: Any,
        whitespace: Whitespace,
        numbers: Numbers,
        strict: bool,
        constrained: bool,
        where: Predicate | Callable[[str], bool] | None = None,
    ) -> None:
        if not isinstance(lm, LanguageModel):
            raise TypeError(f"lm must come from detent.load, not be a {type(lm).__name__}")
        self.lm = lm
        self.predicate = where if where is None or isinstance(where, Predicate) else Predicate(prefix=where)
        self.schema: JsonSchema | None = None
        self.grammar: Grammar | None = None
        self.parse: Callable[[str], Any] = str
        if isinstance(spec, Grammar):
            if spec.vocabulary != lm.vocabulary:
                raise ValueError("the grammar was compiled for another vocabulary than the model's: use lm.compiler")
            self.grammar = spec
        elif spec is not None:
            output = output_type(spec)
            self.schema, self.parse = output.schema, output.parse
            if constrained:
                # The fields of a class stand in the order that its author chose.
                order: Order = "schema" if isinstance(spec, (dict, bool, str)) else "fixed"
                self.grammar = lm.compiler.json_schema(
                    output.schema, order=order, whitespace=whitespace, numbers=numbers, strict=strict
                )

    def encode(self, prompt: str | Sequence[int]) -> list[int]:
        """Return the ids of a prompt; text goes through the model's template, ids are taken as they are."""
        if isinstance(prompt, str):
            ids = self.lm.encode(self.lm.template(prompt, self.schema))
        else:
            try:
                ids = [index(token) for token in prompt]
            except TypeError as error:
                raise TypeError(
                    f"a prompt must be a text or token ids, not {prompt!r:.60}: the chat template is applied to a "
                    "text; for messages, pass the ids that tokenizer.apply_chat_template gives"
                ) from error
        if not ids:
            raise ValueError("the prompt has no tokens")
        return ids

    def guide(self, limit: int | None = None) -> Guide:
        """Make the constraint of one row, of at most ``limit`` tokens."""
        matcher = None if self.grammar is None else self.grammar.matcher()
        return Guide(self.lm.vocabulary, matcher, self.predicate, limit)

    def result(self, row: Row) -> Result[Any]:
        """Read the text of a finished row."""
        finish: Finish = "error" if row.error else "stop" if row.stopped else "dead" if row.dead else "length"
        stats = Stats(
            n_prompt_tokens=len(row.prompt),
            n_tokens=len(row.tokens),
            n_forced=sum(step.forced for step in row.trace),
            n_masks=row.n_masks,
            n_forwards=row.n_forwards,
            n_drafted=row.n_drafted,
            n_accepted=row.n_accepted,
            n_tries=row.n_tries,
            n_checks=row.guide.n_checks,
            model_seconds=row.model_seconds,
            mask_seconds=row.mask_seconds,
        )
        return self.read(row.tokens, finish, row.error, stats=stats, trace=row.trace)

    def read(self, tokens: list[int], finish: Finish, error: Exception | None = None, **parts: Any) -> Result[Any]:
        """Make the result of a text that came to this end; ``parts`` are other fields of the result."""
        data = b"".join(map(self.lm.vocabulary.token_bytes, tokens))
        text = data.decode("utf-8", errors="replace")
        value: Any = None
        if finish == "stop":
            try:
                value = self.parse(text)
            except ValueError as failure:
                error = failure
        elif finish == "dead":
            error = DeadEnd(text, len(tokens))
        elif finish == "length":
            error = Truncated(text, self._partial(text), len(tokens))
        return Result(
            text=text,
            tokens=tokens,
            finish=finish,
            error=error,
            residual=Residual() if self.grammar is None else self.grammar.residual(text),
            _value=value,
            **parts,
        )

    def _partial(self, text: str) -> Any:
        """Return JSON text closed as far as it parses; ``None`` where it is not JSON."""
        if self.schema is None:
            return None
        try:
            return from_json(text, allow_partial="trailing-strings")
        except ValueError:
            return None
