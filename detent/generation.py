"""Generation: from a prompt and a specification to a value of the specified type."""

from __future__ import annotations

import asyncio
import inspect
from codecs import getincrementaldecoder
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, TypeVar, cast, get_type_hints, overload

import numpy as np

from detent.decoding import Row, decode
from detent.grammar.errors import LimitExceeded
from detent.models import LanguageModel
from detent.results import Finish, Result, Results, Stats
from detent.rounds import Speculator
from detent.sampler.base import Outcome, Query, run_strategy
from detent.sampler.masking import Masking
from detent.sampler.speculation.drafter import Combined
from detent.sampler.weights import normalise
from detent.speculation import Speculation, to_speculation
from detent.tasks import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from detent.automata.json_grammars import Numbers, Whitespace
    from detent.sampler.base import Draft, Sampler, Strategy
    from detent.sampler.guide import Predicate
    from detent.sampler.speculation.drafter import Drafter

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Prompt: TypeAlias = "str | Sequence[int]"
Prompts: TypeAlias = "Prompt | Sequence[Prompt]"
Drafts: TypeAlias = "bool | LanguageModel | Drafter | Speculation"


class Options(TypedDict, total=False):
    """The options of :func:`run`, which also documents them."""

    sampler: Sampler | Strategy | None
    draft: Drafts | None
    where: Predicate | Callable[[str], bool] | None
    max_new_tokens: int
    seed: int | None
    batch_size: int
    whitespace: Whitespace
    numbers: Numbers
    strict: bool
    constrained: bool


@overload
def run(lm: LanguageModel, prompt: str, spec: type[T], **options: Unpack[Options]) -> Result[T]: ...
@overload
def run(lm: LanguageModel, prompt: list[str], spec: type[T], **options: Unpack[Options]) -> list[Result[T]]: ...
@overload
def run(
    lm: LanguageModel, prompt: Prompts, spec: Any = None, *, n: int | None = None, **options: Unpack[Options]
) -> Any: ...
def run(
    lm: LanguageModel,
    prompt: Prompts,
    spec: Any = None,
    *,
    n: int | None = None,
    sampler: Sampler | Strategy | None = None,
    draft: Drafts | None = None,
    where: Predicate | Callable[[str], bool] | None = None,
    max_new_tokens: int = 256,
    seed: int | None = None,
    batch_size: int = 32,
    whitespace: Whitespace = "bounded",
    numbers: Numbers = "plain",
    strict: bool = True,
    constrained: bool = True,
) -> Any:
    """Generate texts that follow a specification, and report how.

    Parameters
    ----------
    lm : LanguageModel
        From :func:`detent.load`.
    prompt : str, token ids, or a list of either
        A list is run in batches.
    spec : type, dict, bool, str, Grammar or None
        Any type pydantic's ``TypeAdapter`` takes (models, dataclasses, ``Literal``, ``list[int]`` ...), a JSON Schema,
        or a compiled grammar, whose value is the text itself. ``None``: free text.
    n : int, optional
        How many texts each prompt gets.
    sampler : Sampler or Strategy, optional
        By default ``Masking()``, at temperature 1; ``Masking(temperature=0)`` is greedy. Which one when is told in
        ``docs/samplers.md``.
    draft : True, LanguageModel, Drafter or Speculation, optional
        Read several guessed tokens in one run of the model. The law of the texts stays as it is; unless the guesses are
        drawn from a model, so does each text. ``True`` needs no other model. See ``docs/speculation.md``.
    where : Predicate or callable, optional
        What no grammar says: a :class:`~detent.Predicate`, or a function that takes the beginning of a text and tells
        whether it may still become a good one.
    max_new_tokens : int
        Most tokens of one answer.
    seed : int, optional
        Makes the answers reproducible. Every text draws from its own generator, whatever the size of the batch.
    batch_size : int
        How many rows run together.
    whitespace : {"bounded", "compact", "flexible"}
        How much whitespace JSON may have between its tokens.
    numbers : {"plain", "any"}
        Integers as digits alone, or every spelling (``1.0`` and ``10e-1`` are integers, too).
    strict : bool
        False leaves out of a schema what cannot be enforced; ``result.residual`` says what, and whether it holds.
    constrained : bool
        Whether the grammar is enforced. Without, the prompt and the parsing stay the same: for comparisons.

    Returns
    -------
    Result, or a list of them for a list of prompts; with ``n``, each prompt has a list of :class:`Results`
        A row that fails keeps its error, in ``result.error``, and does not disturb the others; ``result.value``
        raises it.

    Raises
    ------
    GrammarError
        If the specification cannot be enforced: before the first token.
    TypeError, ValueError
        If an argument is of another kind or out of range.

    Examples
    --------
    >>> lm = detent.load()
    >>> result = detent.run(lm, "Ada is 36 years old.", Person, seed=1)
    >>> result.value, result.finish, result.logprob, result.stats.n_forced
    """
    _check_counts(max_new_tokens=max_new_tokens, batch_size=batch_size, n=1 if n is None else n)
    if not isinstance(prompt, str) and not hasattr(prompt, "__len__"):
        raise TypeError(f"prompt must be a text, token ids, or a list of those, not {type(prompt).__name__}")
    single = isinstance(prompt, str) or (len(prompt) > 0 and isinstance(prompt[0], int | np.integer))
    prompts: Sequence[Any] = [prompt] if single else prompt
    task = Task(lm, spec, whitespace, numbers, strict, constrained, where)
    sampler = _checked(sampler or Masking())
    speculation = to_speculation(draft, lm) if draft else None
    entropy = np.random.SeedSequence(seed).entropy
    results: list[Any] = []
    if hasattr(sampler, "outcome"):
        if speculation is not None:
            raise ValueError(f"draft goes with samplers that write token by token, not with {type(sampler).__name__}")
        for start in range(0, len(prompts), batch_size):
            generators = [_generator(entropy, i) for i in range(start, min(start + batch_size, len(prompts)))]
            batch = prompts[start : start + batch_size]
            results += _run_strategy(lm, task, batch, generators, cast("Strategy", sampler), n, max_new_tokens)
    else:
        texts = [(i, j) for i in range(len(prompts)) for j in range(n or 1)]
        for start in range(0, len(texts), batch_size):
            batch = texts[start : start + batch_size]
            generators = [_generator(entropy, i) if n is None else _generator(entropy, i, j) for i, j in batch]
            asked = [prompts[i] for i, _ in batch]
            results += _run_batch(lm, task, asked, generators, cast("Sampler", sampler), speculation, max_new_tokens)
        if n is not None:
            is_proper = not isinstance(sampler, Masking) or sampler.is_plain
            results = [_together(results[i : i + n], is_proper) for i in range(0, len(results), n)]
    return results[0] if single else results


def _check_counts(**counts: Any) -> None:
    for name, count in counts.items():
        if not isinstance(count, int | np.integer):
            raise TypeError(f"{name} must be an int, not {count!r:.40}")
        if count < 1:
            raise ValueError(f"{name} must be at least 1, not {count}")


def _checked(sampler: Any) -> Any:
    """Refuse what is no sampler: a name, or a class in place of an object."""
    if isinstance(sampler, type) or not callable(getattr(sampler, "step", None)):
        shown = f"the class {sampler.__name__}" if isinstance(sampler, type) else repr(sampler)
        raise TypeError(f"sampler must be an object such as detent.Masking(temperature=0), not {shown:.60}")
    return sampler


def _generator(entropy: Any, *place: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=place))


def _together(results: list[Result[Any]], is_proper: bool) -> Results[Any]:
    """Make the answer to one prompt; the mean of proper weights estimates the probability of a valid text."""
    weights = [result.log_weight if result.finish == "stop" else -np.inf for result in results]
    answer = Results(results, normalise(weights)[1] if is_proper else None)
    costs = [result.stats for result in results]
    answer.stats = {
        "forwards": sum(each.n_forwards for each in costs),
        "tries": sum(each.n_tries for each in costs),
        "checks": sum(each.n_checks for each in costs),
        "seconds": sum(each.model_seconds + each.mask_seconds for each in costs),
    }
    return answer


def _started(lm: LanguageModel, task: Task, prompt: Prompt, max_new_tokens: int) -> tuple[list[int], int]:
    """Return the ids of a prompt and how many tokens its answer may have."""
    ids = task.encode(prompt)
    limit = max_new_tokens if lm.max_length is None else min(max_new_tokens, lm.max_length - len(ids))
    if limit < 1:
        raise ValueError(f"the prompt has {len(ids)} tokens: the model takes {lm.max_length} with the answer")
    return ids, limit


def _run_batch(
    lm: LanguageModel,
    task: Task,
    prompts: Sequence[Prompt],
    generators: Sequence[np.random.Generator],
    sampler: Sampler,
    speculation: Speculation | None,
    max_new_tokens: int,
) -> list[Result[Any]]:
    """Run what can be run of these prompts; the others keep their errors."""
    rows: list[Row | Exception] = []
    for prompt, generator in zip(prompts, generators, strict=True):
        try:
            ids, limit = _started(lm, task, prompt, max_new_tokens)
            rows.append(Row(ids, task.guide(), generator, limit))
        except Exception as error:
            rows.append(error)
    if started := [row for row in rows if isinstance(row, Row)]:
        try:
            _write(lm, started, sampler, speculation)
        except LimitExceeded as error:  # met by a sampler or drafter, which decides for several rows at once
            for row in started:
                row.error = row.error or (None if row.done else error)
    return [task.result(row) if isinstance(row, Row) else Result(error=row) for row in rows]


def _write(lm: LanguageModel, rows: Sequence[Row], sampler: Sampler, speculation: Speculation | None) -> None:
    if speculation is None:
        decode(lm.open_session(), rows, sampler, len(lm.vocabulary))
    else:
        for _ in _speculator(lm, sampler, speculation).write(rows):
            pass


def _speculator(lm: LanguageModel, sampler: Sampler, speculation: Speculation) -> Speculator:
    return Speculator(lm.open_texts(), sampler, speculation, len(lm.vocabulary))  # type: ignore[misc]


def _run_strategy(
    lm: LanguageModel,
    task: Task,
    prompts: Sequence[Prompt],
    generators: Sequence[np.random.Generator],
    strategy: Strategy,
    n: int | None,
    max_new_tokens: int,
) -> list[Any]:
    """Run what can be run of these prompts; the others keep their errors."""
    queries: list[Query | Exception] = []
    for prompt, generator in zip(prompts, generators, strict=True):
        try:
            ids, limit = _started(lm, task, prompt, max_new_tokens)
            queries.append(Query(ids, task.guide(limit), generator, n))
        except Exception as error:
            queries.append(error)
    started = [query for query in queries if isinstance(query, Query)]
    model = lm.open_prefixes()  # type: ignore[misc]  # never None behind __post_init__
    begin = perf_counter()
    outcomes: Iterator[Outcome] = iter(())
    try:
        outcomes = iter(run_strategy(strategy, started, model))
    except LimitExceeded as error:
        queries = [error if isinstance(query, Query) else query for query in queries]
    seconds = (perf_counter() - begin) / max(1, len(started))
    results: list[Any] = []
    for query in queries:
        if isinstance(query, Exception):
            results.append(Result(error=query) if n is None else Results([Result(error=query)]))
            continue
        outcome = next(outcomes)
        answer = Results([_result(task, query, draft) for draft in outcome.drafts], outcome.log_z)
        answer.stats = {**outcome.stats, "seconds": seconds}
        answer.is_weighted = len({draft.log_weight for draft in outcome.drafts}) > 1
        if n is not None:
            results.append(answer)
        elif any(answer.weights):
            results.append(answer.draw(query.generator)[0])
        else:
            results.append(answer[0] if answer else task.read([], "dead"))
    return results


def _result(task: Task, query: Query, draft: Draft) -> Result[Any]:
    tokens = [step.token for step in draft.trace]
    stats = Stats(n_prompt_tokens=len(query.prompt), n_tokens=len(tokens), n_forced=sum(s.forced for s in draft.trace))
    finish: Finish = "stop" if draft.finished else "dead"
    return task.read(tokens, finish, stats=stats, trace=draft.trace, _log_weight=draft.log_weight)


@overload
def generate(lm: LanguageModel, prompt: str, spec: type[T], **options: Unpack[Options]) -> T: ...
@overload
def generate(lm: LanguageModel, prompt: list[str], spec: type[T], **options: Unpack[Options]) -> list[T]: ...
@overload
def generate(
    lm: LanguageModel, prompt: Prompts, spec: Any = None, *, n: int | None = None, **options: Unpack[Options]
) -> Any: ...
def generate(
    lm: LanguageModel, prompt: Any, spec: Any = None, *, n: int | None = None, **options: Unpack[Options]
) -> Any:
    """Generate a value of the specified type.

    Parameters
    ----------
    lm, prompt, spec, n, **options
        As for :func:`run`.

    Returns
    -------
    value, or a list of values for a list of prompts; with ``n``, each prompt has a list of values
        An instance of the type; for a JSON Schema, what ``json.loads`` gives; else the text. Values come without
        weights, so where texts weigh differently, ``n`` of them are drawn in proportion to their weights.

    Raises
    ------
    GrammarError
        If the specification cannot be enforced: before the first token.
    Truncated
        If the tokens ran out before the text was complete.
    LimitExceeded
        If a limit was met while the text was written, which is rare: ``text`` is what there was.
    DeadEnd
        If a predicate refused every way on.
    ValueError
        If the type has a check of its own that no mask can carry, and it failed.
    Violated
        With ``strict=False``, if the text does not meet what was left out of the schema. Needs ``detent[validate]``.

    Examples
    --------
    >>> class Invoice(pydantic.BaseModel):
    ...     number: str
    ...     total: float
    >>> lm = detent.load()
    >>> detent.generate(lm, "Invoice A-17 over 42.50 euros.", Invoice, sampler=detent.Masking(temperature=0))
    Invoice(number='A-17', total=42.5)
    """
    results = run(lm, prompt, spec, n=n, **options)
    generator = np.random.default_rng(options.get("seed"))
    if isinstance(results, Result):
        return _valid(results)
    if isinstance(results, Results):
        return _values(results, generator)
    return [_valid(answer) if n is None else _values(answer, generator) for answer in results]


def _values(results: Results[T], generator: np.random.Generator) -> list[T]:
    if results.is_weighted and any(results.weights):
        return [_valid(result) for result in results.draw(generator, len(results))]
    return [_valid(result) for result in results]


def _valid(result: Result[T]) -> T:
    """The value of a result that meets the whole schema."""
    value = result.value
    result.residual.check()
    return value


def stream(
    lm: LanguageModel,
    prompt: Prompt,
    spec: Any = None,
    *,
    sampler: Sampler | None = None,
    draft: Drafts | None = None,
    where: Predicate | Callable[[str], bool] | None = None,
    max_new_tokens: int = 256,
    seed: int | None = None,
    whitespace: Whitespace = "bounded",
    numbers: Numbers = "plain",
    strict: bool = True,
) -> Generator[str, None, Result[Any]]:
    """Generate one text and give it out as it is written: the same text as from :func:`run`.

    Parameters
    ----------
    lm, prompt, spec, sampler, draft, where, max_new_tokens, seed, whitespace, numbers, strict
        As for :func:`run`, but for samplers that write whole texts.

    Yields
    ------
    str
        What one run of the model added: whole characters, one token or many.

    Returns
    -------
    Result

    Raises
    ------
    GrammarError
        If the specification cannot be enforced: before the first token.
    LimitExceeded
        If a limit was met while the text was written.

    Examples
    --------
    >>> for piece in detent.stream(lm, "Ada is 36 years old.", Person, draft=True):
    ...     print(piece, end="", flush=True)
    """
    sampler = _checked(sampler or Masking())
    if hasattr(sampler, "outcome"):
        raise ValueError(f"{type(sampler).__name__} writes whole texts: there is nothing to stream")
    _check_counts(max_new_tokens=max_new_tokens)
    task = Task(lm, spec, whitespace, numbers, strict, True, where)
    speculation = to_speculation(draft or Speculation(Combined()), lm)
    ids, limit = _started(lm, task, prompt, max_new_tokens)
    row = Row(ids, task.guide(), _generator(np.random.SeedSequence(seed).entropy, 0), limit)
    return _pieces(lm, task, row, _speculator(lm, sampler, speculation))


def _pieces(lm: LanguageModel, task: Task, row: Row, speculator: Speculator) -> Generator[str, None, Result[Any]]:
    decoder = getincrementaldecoder("utf-8")("replace")
    n_given = 0
    for _ in speculator.write([row]):
        piece = decoder.decode(b"".join(map(lm.vocabulary.token_bytes, row.tokens[n_given:])), final=row.done)
        n_given = len(row.tokens)
        if piece:
            yield piece
    if row.error is not None:
        raise row.error
    return task.result(row)


def structured(lm: LanguageModel, **options: Unpack[Options]) -> Callable[[F], F]:
    """Turn a signature into a specification: a decorator for functions without a body.

    The return annotation is the type of the answer; the docstring, formatted with the arguments, is the prompt.
    A coroutine function runs the model in a thread.

    Parameters
    ----------
    lm : LanguageModel
        From :func:`detent.load`.
    **options
        As for :func:`run`.

    Raises
    ------
    TypeError
        If there is no model, or the function has no docstring or no return annotation.

    Examples
    --------
    >>> @detent.structured(lm, max_new_tokens=128)
    ... def extract(text: str) -> Invoice:
    ...     '''Extract the invoice from: {text}'''
    >>> extract("Invoice A-17 over 42.50 euros.")
    Invoice(number='A-17', total=42.5)
    """

    if not isinstance(lm, LanguageModel):
        raise TypeError(f"write @detent.structured(lm), lm from detent.load, not {type(lm).__name__}")

    def decorate(function: F) -> F:
        template = inspect.getdoc(function)
        if template is None or "return" not in function.__annotations__:
            raise TypeError(
                f"{function.__qualname__} needs a docstring (the prompt) and a return annotation (the type)"
            )
        signature = inspect.signature(function)

        def call(*args: Any, **kwargs: Any) -> Any:
            arguments = signature.bind(*args, **kwargs)
            arguments.apply_defaults()
            spec = get_type_hints(function, include_extras=True)["return"]
            return generate(lm, template.format(**arguments.arguments), spec, **options)

        @wraps(function)
        async def call_in_thread(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.to_thread(call, *args, **kwargs)

        return cast("F", call_in_thread if inspect.iscoroutinefunction(function) else wraps(function)(call))

    return decorate
