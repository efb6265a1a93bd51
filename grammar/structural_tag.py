"""Structural tags: free text with typed islands, as the JSON that XGrammar, vLLM and SGLang take.

A tag is a tree of *formats*, each an object with a ``type``; ``docs/grammars.md`` lists them. The older form with
``structures`` and ``triggers`` is taken, too. What a format may be followed by matters to free text alone: inside a
``tag``, it ends where the closing string first occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from . import dfa as automata
from . import regex
from .bnf import EBNF, parse
from .errors import GrammarError, Unenforceable
from .free_text import dispatch, until, without
from .regular import ANY_CHAR, EPSILON, Regular, alt, literal, repeat, seq
from .rules import Rules, call, island, language, renamed, token

MAX_DEPTH = 100  # parts of a pointer
START = ""  # the rule of the whole text; rules of grammars inside have a number in front

Schemas = Callable[[Any, bool], Any]
Larks = Callable[[str, Mapping[str, str]], "Rules | Regular"]


def read(
    tag: Mapping[str, Any],
    schemas: Schemas,
    larks: Larks,
    special: Mapping[str, int] | None = None,
    space: Regular = EPSILON,
) -> Rules:
    """Read a structural tag.

    Parameters
    ----------
    tag : mapping
        ``{"type": "structural_tag", "format": {...}}``, a format alone, or the older
        ``{"structures": [...], "triggers": [...]}``.
    schemas : callable
        Makes what an :class:`~detent.grammar.rules.Island` holds of a JSON Schema, and whether keys come in any order.
    larks : callable
        Makes rules, or what stands for them, of a Lark grammar and its options.
    special : mapping of str to int
        The tokens that stand for no text, by name.
    space : Regular
        The white space that may follow a JSON value.

    Raises
    ------
    GrammarError
        With the JSON pointer of the place.
    """
    reader = _Reader(schemas, larks, special or {}, space)
    if "format" in tag:
        body = reader.format(tag["format"], "/format", ())
    elif "structures" in tag:
        body = reader.format(_modern(tag), "", ())
    else:
        body = reader.format(tag, "", ())
    return Rules({**reader.bodies, START: body}, START)


def _modern(tag: Mapping[str, Any]) -> dict[str, Any]:
    """The older form in the newer one."""
    tags = [
        {
            "begin": s.get("begin"),
            "content": {"type": "json_schema", "json_schema": s.get("schema")},
            "end": s.get("end"),
        }
        for s in tag["structures"]
    ]
    return {"type": "triggered_tags", "triggers": tag.get("triggers"), "tags": tags}


class _Reader:
    def __init__(self, schemas: Schemas, larks: Larks, special: Mapping[str, int], space: Regular) -> None:
        self.schemas, self.larks, self.special, self.space = schemas, larks, special, space
        self.bodies: dict[str, Regular] = {}
        self._grammars = 0

    def format(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        """The texts of a format; ``ends``: the strings that close the tag around it, if it stands last there."""
        if at.count("/") > MAX_DEPTH:
            fail("formats too deep in each other", at)
        kind = node.get("type") if isinstance(node, Mapping) else None
        reader = _FORMATS.get(kind) if isinstance(kind, str) else None
        if reader is None:
            fail(f"{kind!r} is no type of format", at, hint=f"Known are {', '.join(_FORMATS)}.")
        return reader(self, node, at, ends)

    # ------------------------------------------------------------------------------------------------- one text each
    def const_string(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        return literal(field(node, "value", str, at))

    def json_schema(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        if node.get("style", "json") != "json":
            fail("only JSON is written here", f"{at}/style", Unenforceable)
        any_order = field(node, "any_order", bool, at, default=False)
        if "json_schema" not in node:
            fail("a schema is missing", f"{at}/json_schema")
        try:
            return seq(island(self.schemas(node["json_schema"], any_order)), self.space)
        except GrammarError as error:
            error.pointer = f"{at}/json_schema{error.pointer}"
            raise

    def grammar(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        try:
            rules = parse(field(node, "grammar", str, at), EBNF, special=self.special)
        except GrammarError as error:
            error.reason, error.pointer = f"{error.pointer}: {error.reason}", f"{at}/grammar"
            raise
        return self._inside(rules)

    def lark(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        options = {name: field(node, name, str, at, default=None) for name in ("start", "parser", "lexer")}
        given = {name: value for name, value in options.items() if value is not None}
        try:
            found = self.larks(field(node, "grammar", str, at), given)
        except GrammarError as error:
            error.reason, error.pointer = f"{error.pointer}: {error.reason}".removeprefix(": "), f"{at}/grammar"
            raise
        except ValueError as error:
            fail(str(error), at)
        return self._inside(found) if isinstance(found, Rules) else found

    def _inside(self, rules: Rules) -> Regular:
        """A text of another grammar."""
        self._grammars += 1
        prefix = f"{self._grammars}."
        self.bodies |= renamed(rules, prefix)
        return call(prefix + rules.start)

    def regex(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        pattern = field(node, "pattern", str, at)
        try:
            return language(automata.compile(regex.parse(pattern, anchored=True)))
        except GrammarError as error:
            error.pointer = f"{at}/pattern"
            raise

    def any_text(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        return language(self._free(node, at, ends))

    def _free(self, node: Any, at: str, ends: Sequence[str]) -> automata.CharDfa:
        """Free text, without what closes it."""
        self._no_budget(node, at)
        most = field(node, "max_chars", int, at, default=None)
        excluded = [*strings(node, "excludes", at, default=()), *ends]
        free = without(excluded) if excluded else automata.ALL_TEXTS
        return automata.restrict_length(free, 0, most)

    def any_tokens(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        """Tokens that stand for text: a special token is never free."""
        self._no_budget(node, at)
        for k, name in enumerate(field(node, "exclude_tokens", list, at, default=[])):
            self.token_id(name, f"{at}/exclude_tokens/{k}")
        return repeat(ANY_CHAR, 0, None)

    def token(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        return token(self.token_id(node.get("token"), f"{at}/token"))

    def token_id(self, name: Any, at: str) -> int:
        if name not in (self.special if isinstance(name, str) else self.special.values()):
            fail(f"{name!r} is no special token of this vocabulary", at, hint="Give other tokens as text.")
        return self.special[name] if isinstance(name, str) else int(name)

    @staticmethod
    def _no_budget(node: Any, at: str) -> None:
        if node.get("max_tokens") is not None:
            fail("a budget of tokens is no property of a text", f"{at}/max_tokens", Unenforceable, "Use max_chars.")

    # --------------------------------------------------------------------------------------------------- compositions
    def sequence(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        parts = field(node, "elements", list, at)
        last = len(parts) - 1
        return seq(
            *(self.format(part, f"{at}/elements/{k}", ends if k == last else ()) for k, part in enumerate(parts))
        )

    def choice(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        parts = field(node, "elements", list, at)
        return alt(*(self.format(part, f"{at}/elements/{k}", ends) for k, part in enumerate(parts)))

    def repetition(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        low, high = _COUNTS.get(node["type"], (0, None))
        if node["type"] == "repeat":
            low, high = field(node, "min", int, at), field(node, "max", int, at)
            high = None if high == -1 else high
            if low < 0 or (high is not None and high < low):
                fail(f"a repetition from {low} to {high} times", at)
        return repeat(self.format(node.get("content"), f"{at}/content", ends), low, high)

    # ----------------------------------------------------------------------------------------------------------- tags
    def tag(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        return seq(self._begin(node.get("begin"), f"{at}/begin"), self._rest(node, at))

    def _begin(self, begin: Any, at: str) -> Regular:
        if isinstance(begin, str):
            return literal(begin)
        return self.token({"token": begin.get("token") if isinstance(begin, Mapping) else begin}, at, ())

    def _rest(self, node: Any, at: str) -> Regular:
        """The content of a tag and its end."""
        end = node.get("end")
        if isinstance(end, Mapping):
            return seq(self.format(node.get("content"), f"{at}/content", ()), self._begin(end, f"{at}/end"))
        closing = [end] if isinstance(end, str) else strings(node, "end", at)
        content = node.get("content")
        if isinstance(content, Mapping) and content.get("type") == "any_text" and content.get("max_chars") is None:
            self._no_budget(content, f"{at}/content")
            excludes = strings(content, "excludes", f"{at}/content", default=())
            if all(closing):
                return alt(*(language(until(text, [*closing, *excludes])) for text in closing))
        found = [text for text in closing if text]
        return seq(self.format(content, f"{at}/content", found), alt(*map(literal, closing)))

    def triggered_tags(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        triggers = strings(node, "triggers", at)
        found: list[tuple[str, Regular]] = []
        for k, tag in enumerate(field(node, "tags", list, at)):
            here = f"{at}/tags/{k}"
            begin = field(tag, "begin", str, here) if isinstance(tag, Mapping) else fail("a tag is an object", here)
            matching = [trigger for trigger in triggers if begin.startswith(trigger)]
            if len(matching) != 1:
                fail(f"{begin!r} begins with {len(matching) or 'none'} of the triggers", f"{here}/begin")
            found.append((matching[0], seq(literal(begin[len(matching[0]) :]), self._rest(tag, here))))
        unused = set(triggers) - {trigger for trigger, _ in found}
        if unused:
            fail(f"trigger {min(unused)!r} opens no tag", f"{at}/triggers")
        excludes = [*strings(node, "excludes", at, default=()), *ends]
        return self._dispatch(found, node, at, excludes, field(node, "at_least_one", bool, at, default=False))

    def dispatch(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        found = []
        for k, rule in enumerate(field(node, "rules", list, at)):
            here = f"{at}/rules/{k}"
            if not (isinstance(rule, list) and len(rule) == 2 and isinstance(rule[0], str)):
                fail("a rule is a pair of string and format", here)
            found.append((rule[0], self.format(rule[1], f"{here}/1", ())))
        excludes = [*strings(node, "excludes", at, default=()), *ends]
        return self._dispatch(found, {"stop_after_first": not node.get("loop", True)}, at, excludes, False)

    @staticmethod
    def _dispatch(
        found: Sequence[tuple[str, Regular]], node: Any, at: str, excludes: Sequence[str], at_least_one: bool
    ) -> Regular:
        loop = not field(node, "stop_after_first", bool, at, default=False)
        try:
            return dispatch(found, loop=loop, excludes=excludes, at_least_one=at_least_one)
        except GrammarError as error:
            error.pointer = at
            raise

    def token_triggered_tags(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        triggers = [
            self.token_id(name, f"{at}/trigger_tokens/{k}")
            for k, name in enumerate(field(node, "trigger_tokens", list, at))
        ]
        tags = []
        for k, tag in enumerate(field(node, "tags", list, at)):
            here = f"{at}/tags/{k}"
            begin = tag.get("begin") if isinstance(tag, Mapping) else fail("a tag is an object", here)
            name = begin.get("token") if isinstance(begin, Mapping) else begin
            if self.token_id(name, f"{here}/begin") not in triggers:
                fail(f"{name!r} is none of the triggers", f"{here}/begin")
            tags.append(self.tag(tag, here, ()))
        free = self.any_tokens({"exclude_tokens": node.get("exclude_tokens", [])}, at, ())
        first = alt(*tags) if field(node, "at_least_one", bool, at, default=False) else None
        if field(node, "stop_after_first", bool, at, default=False):
            return first if first is not None else seq(free, repeat(alt(*tags), 0, 1))
        more = seq(free, repeat(seq(alt(*tags), free), 0, None))
        return more if first is None else seq(first, more)

    def tags_with_separator(self, node: Any, at: str, ends: Sequence[str]) -> Regular:
        tags = field(node, "tags", list, at)
        one = alt(*(self.format({"type": "tag", **tag}, f"{at}/tags/{k}", ()) for k, tag in enumerate(tags)))
        if not field(node, "stop_after_first", bool, at, default=False):
            one = seq(one, repeat(seq(literal(field(node, "separator", str, at)), one), 0, None))
        return one if field(node, "at_least_one", bool, at, default=False) else alt(EPSILON, one)


_COUNTS: dict[str, tuple[int, int | None]] = {"optional": (0, 1), "plus": (1, None), "star": (0, None)}
_FORMATS: dict[str, Callable[[_Reader, Any, str, Sequence[str]], Regular]] = {
    "const_string": _Reader.const_string,
    "json_schema": _Reader.json_schema,
    "grammar": _Reader.grammar,
    "lark": _Reader.lark,
    "regex": _Reader.regex,
    "any_text": _Reader.any_text,
    "any_tokens": _Reader.any_tokens,
    "token": _Reader.token,
    "sequence": _Reader.sequence,
    "or": _Reader.choice,
    "optional": _Reader.repetition,
    "plus": _Reader.repetition,
    "star": _Reader.repetition,
    "repeat": _Reader.repetition,
    "tag": _Reader.tag,
    "triggered_tags": _Reader.triggered_tags,
    "tags_with_separator": _Reader.tags_with_separator,
    "dispatch": _Reader.dispatch,
    "token_triggered_tags": _Reader.token_triggered_tags,
}


def fail(reason: str, at: str, kind: type[GrammarError] = GrammarError, hint: str | None = None) -> NoReturn:
    """Raise with the place."""
    raise kind(f"{reason}.", pointer=at, keyword="structural_tag", hint=hint)


_REQUIRED = object()


def field(node: Any, name: str, kind: type, at: str, *, default: Any = _REQUIRED) -> Any:
    """A field of a format, of one type."""
    value = node.get(name, default)
    if value is _REQUIRED:
        fail(f"{name} is missing", at)
    if value is not default and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        fail(f"{name} must be of type {kind.__name__}", f"{at}/{name}")
    return value


def strings(node: Any, name: str, at: str, *, default: Any = _REQUIRED) -> list[str]:
    """A field that is a list of strings."""
    found = field(node, name, list, at, default=default)
    if not all(isinstance(text, str) for text in found):
        fail(f"{name} must be strings", f"{at}/{name}")
    return list(found)
