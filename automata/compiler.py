"""The compiler: specifications to grammars, over one vocabulary, sharing every table that can be shared."""

from __future__ import annotations

import gc
import json
import marshal
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, Literal, get_args

import numpy as np

from detent.grammar import dfa, regex
from detent.grammar.errors import GrammarError, LimitExceeded, Unenforceable, Unsatisfiable, VocabularyError
from detent.grammar.json_schema import Goal, Goals
from detent.grammar.json_schema.document import Document
from detent.grammar.json_schema.free_names import has_free_names
from detent.grammar.json_schema.nodes import Node, Reader
from detent.grammar.json_schema.relaxing import relax
from detent.grammar.residual import Judge, Residual

from .arena import Arena, ArenaFull
from .format_cache import FormatCache
from .limits import Limits
from .lowering import JsonLowering, Lowering, Order, place_text, place_words
from .matcher import MAX_RENEWALS, Matcher
from .placement import Placement
from .vocabulary import Vocabulary

Whitespace = Literal["flexible", "bounded", "compact"]
Numbers = Literal["any", "plain"]
Parser = Literal["lalr"]
LexerKind = Literal["contextual", "basic"]


class Grammar:
    """A compiled specification; immutable, and usable from many threads.

    Attributes
    ----------
    vocabulary : Vocabulary
    has_free_names : bool
        Whether an object may have names that are not listed: matchers then follow the keys of their text.
    """

    def __init__(
        self,
        compiler: Compiler,
        place: Callable[[Arena], Lowering],
        report: Mapping[str, Any],
        *,
        has_free_names: bool = False,
        judge: Judge | None = None,
    ) -> None:
        self._compiler = compiler
        self.has_free_names = has_free_names
        self._judge = judge
        self._place = place
        self._report = dict(report)
        self._lock = threading.Lock()
        self._placed: Placement | None = None
        self.bind()

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens that masks are about."""
        return self._compiler.vocabulary

    def matcher(self) -> Matcher:
        """A matcher at the start of the text."""
        return Matcher(self)

    def explain(self) -> dict[str, Any]:
        """What is enforced, relaxed and only annotated, and how large the grammar is.

        Returns
        -------
        dict
            ``relaxed``: list of (pointer, keyword, reason) of what is not enforced (only with ``strict=False``);
            ``annotations``: list of (pointer, format or unknown ``$schema``) that constrain nothing;
            ``nodes``: schemas read.
        """
        return dict(self._report)

    def residual(self, text: str) -> Residual:
        """What is not enforced, and whether it holds for a text that was written: true where there is any."""
        return Residual(tuple(self._report["relaxed"]), text, self._judge)

    def bind(self) -> Placement:
        """This grammar in the arena in use."""
        with self._lock:
            if self._placed is None:
                arena = self._compiler.arena
                try:
                    self._placed = Placement(arena, self._place(arena))
                except ArenaFull:
                    self._placed = self._place_outside(arena)
            return self._placed

    def rebind(self, full: Arena) -> None:
        """Leave an arena that is full."""
        with self._lock:
            if self._placed is not None and self._placed.arena is full:
                self._placed = self._place_outside(full)

    def _place_outside(self, full: Arena) -> Placement:
        """Place the grammar in another arena: the next one may have been filled by other grammars meanwhile."""
        for _ in range(MAX_RENEWALS):
            full = self._compiler.renew(full)
            with suppress(ArenaFull):
                return Placement(full, self._place(full))
        raise self.too_large()

    def too_large(self) -> LimitExceeded:
        """The error for a grammar that does not fit an arena of its own."""
        allowed = self._compiler.limits.cache_bytes
        return LimitExceeded("cache_bytes", allowed + 1, allowed)


class Compiler:
    """Compiles specifications for one vocabulary. Thread-safe; grammars share their tables.

    Parameters
    ----------
    vocabulary : Vocabulary
    cache_dir : path, False or None
        Folder for what takes long to make and never changes (automata of some formats); None is the user's cache
        folder, False none.
    limits : Limits
        Named bounds.

    Examples
    --------
    >>> compiler = Compiler(vocabulary)                                    # doctest: +SKIP
    >>> grammar = compiler.json_schema({"type": "object"})                 # doctest: +SKIP
    """

    def __init__(self, vocabulary: Vocabulary, cache_dir: Any = None, limits: Limits | None = None) -> None:
        self.vocabulary = vocabulary
        self.limits = limits or Limits()
        self._lock = threading.RLock()
        self._grammars: OrderedDict[Any, Grammar] = OrderedDict()
        self.arena = Arena(vocabulary, self.limits.cache_bytes)
        self._formats = FormatCache(cache_dir)
        missing = np.flatnonzero(~vocabulary.spellable_bytes[_TEXT_BYTES])
        self._missing = [int(_TEXT_BYTES[k]) for k in missing]

    def renew(self, full: Arena) -> Arena:
        """Replace an arena that is full; matchers move when they meet its end."""
        with self._lock:
            if self.arena is full:
                self.arena = Arena(self.vocabulary, self.limits.cache_bytes)
                self._grammars.clear()
            return self.arena

    def json_schema(
        self,
        schema: Any,
        *,
        order: Order = "schema",
        whitespace: Whitespace = "flexible",
        remotes: Mapping[str, Any] | None = None,
        format_assertion: bool = True,
        strict: bool = True,
        numbers: Numbers = "any",
    ) -> Grammar:
        """Compile a JSON Schema, a pydantic model or any Python type.

        Parameters
        ----------
        schema : dict, bool, str, type
            A schema (also as JSON text), or whatever ``pydantic.TypeAdapter`` takes.
        order : {"schema", "any", "fixed"}
            Order of keys. "schema": the required keys of an object that one closed schema describes come in the order
            of its ``properties`` (unless these are three or more in alphabetical order, as programs write them),
            optional ones anywhere between; other objects are free. "any": any order. "fixed": every object has its
            ``properties`` in their order, then the rest of ``required``, then other names.
        whitespace : {"flexible", "bounded", "compact"}
            Whatever JSON allows; at most one newline and an indent (or one space); none.
        remotes : mapping of URI to schema
            Documents that references and ``$schema`` may name. The meta-schemas are built in; nothing is fetched.
        format_assertion : bool
            Whether ``format`` constrains strings.
        strict : bool
            False leaves out what cannot be enforced and lists it in :meth:`Grammar.explain`: every valid text can be
            written then, and :meth:`Grammar.residual` tells whether a text that was written is valid.
        numbers : {"any", "plain"}
            Every spelling of a number (``1.0`` and ``10e-1`` are integers, too), or integers as digits alone.

        Raises
        ------
        GrammarError
            With JSON pointer and keyword, for what cannot be enforced exactly.
        Unsatisfiable
            If no instance exists.
        LimitExceeded
            If a named limit is passed.
        """
        given = {"order": (order, Order), "whitespace": (whitespace, Whitespace), "numbers": (numbers, Numbers)}
        for name, (value, known) in given.items():
            if value not in get_args(known):
                raise ValueError(f"{name}={value!r} is none of {', '.join(get_args(known))}")
        schema = _as_schema(schema)
        options = (order, whitespace, format_assertion, strict, numbers)

        def make() -> Grammar:
            reader = Reader(
                Document(schema, remotes),
                formats=self._formats.texts,
                format_assertion=format_assertion,
                strict=strict,
                plain_integers=numbers == "plain",
                max_nodes=self.limits.max_nodes,
                max_dfa_states=self.limits.regex_states,
            )
            with _no_collections():
                return self._json_grammar(reader, order, whitespace)

        return self._cached(_cache_key("json", schema, remotes, options), make)

    def regex(self, pattern: str, *, anchored: bool = True) -> Grammar:
        """Text that matches an ECMA-262 pattern (Unicode mode).

        Parameters
        ----------
        pattern : str
        anchored : bool
            The whole text must match; False: some part of it.

        Raises
        ------
        GrammarError, Unsatisfiable, LimitExceeded
        """

        def make() -> Grammar:
            language = dfa.compile(regex.parse(pattern, anchored=anchored), max_states=self.limits.regex_states)
            if not language.n_states:
                raise Unsatisfiable(f"no text matches {pattern!r:.60}.", keyword="pattern")
            return self._text_grammar(lambda arena: place_text(arena, language), {"states": language.n_states})

        return self._cached(("regex", pattern, anchored), make)

    def choice(self, choices: Iterable[str]) -> Grammar:
        """One of some texts.

        Raises
        ------
        Unsatisfiable
            If there is none.
        """
        words = tuple(sorted(set(choices), key=str.encode))
        if not words:
            raise Unsatisfiable("there is nothing to choose from.", keyword="choice")
        return self._cached(
            ("choice", words),
            lambda: self._text_grammar(lambda arena: place_words(arena, words), {"choices": len(words)}),
        )

    def lark(
        self, text: str, *, start: str = "start", parser: Parser = "lalr", lexer: LexerKind | None = None
    ) -> Grammar:
        """Text that Lark parses with a grammar.

        Parameters
        ----------
        text : str
            The grammar, in Lark's notation.
        start : str
            The rule to begin with.
        parser, lexer : str
            As Lark's own options: "lalr" with the lexers "contextual" (the default) and "basic".

        Raises
        ------
        GrammarError
            With Lark's own words, for a grammar that Lark refuses.
        Unsatisfiable
            If no text belongs to it.
        LimitExceeded
            If a named limit is passed.
        """
        if parser not in get_args(Parser) or (lexer is not None and lexer not in get_args(LexerKind)):
            raise ValueError(f"parser={parser!r} with lexer={lexer!r} is none of: lalr with contextual or basic")
        from detent.grammar.lark.compile import compile_lark
        from detent.native.jit import prepare_lexers

        prepare_lexers()
        from .lexed import place_lexed

        def make() -> Grammar:
            tables = compile_lark(text, start=start, lexer_kind=lexer or "contextual", limits=self.limits)
            return self._text_grammar(lambda arena: place_lexed(arena, tables), {"states": len(tables.parser.action)})

        return self._cached(("lark", text, start, parser, lexer), make)

    def _text_grammar(self, place: Callable[[Arena], Lowering], report: Mapping[str, Any]) -> Grammar:
        self._check_bytes()
        return Grammar(self, place, {"relaxed": [], "annotations": [], **report})

    def _json_grammar(self, reader: Reader, order: Order, whitespace: Whitespace) -> Grammar:
        self._check_bytes()
        limits = self.limits
        root_node = reader.read()
        goals, root = self._worked_out(reader, root_node)

        def place(arena: Arena) -> JsonLowering:
            lowering = JsonLowering(arena, goals, root, order=order, whitespace=whitespace)
            lowering.work_ahead(limits.eager_goals)
            return lowering

        nodes = reader.nodes()
        report = {
            "relaxed": reader.relaxed,
            "annotations": list(dict.fromkeys(reader.annotations)),
            "nodes": len(nodes),
        }
        judge = _judge(reader) if report["relaxed"] else None
        return Grammar(self, place, report, has_free_names=has_free_names(root_node, reader), judge=judge)

    def _worked_out(self, reader: Reader, root_node: Node) -> tuple[Goals, Goal]:
        """The goals of a document; where the reader may, without what passes limits."""
        depth, branches, steps = self.limits.max_depth, self.limits.max_branches, self.limits.max_steps
        for attempt in count():
            try:
                goals = Goals(reader, max_branches=branches, max_depth=depth, max_steps=steps)
                root = goals.goal([root_node])
                if not goals.satisfiable(root):
                    raise Unsatisfiable("no value meets this schema.", pointer=root.pointer)
                goals.reach(root)
            except Unenforceable as error:
                if reader.strict or attempt == MAX_RELAXATIONS or not relax(reader, error):
                    raise
            else:
                return goals, root
        raise AssertionError

    def _check_bytes(self) -> None:
        """Refuse a vocabulary that cannot spell every text: a mask could then lead into a dead end."""
        if self._missing:
            shown = ", ".join(f"0x{b:02x}" for b in self._missing[:8])
            raise VocabularyError(
                f"the vocabulary has no token for {len(self._missing)} single bytes of UTF-8 text ({shown}, ...), "
                "so some texts could be begun and never finished."
            )

    def _cached(self, key: Any, make: Callable[[], Grammar]) -> Grammar:
        """A grammar from the cache of those compiled last, or a new one."""
        if key is None:
            return make()
        with self._lock:
            found = self._grammars.get(key)
            if found is not None:
                self._grammars.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._grammars[key] = made
            while len(self._grammars) > MAX_GRAMMARS:
                self._grammars.popitem(last=False)
        return made


MAX_RELAXATIONS = 50  # keywords left out one by one because of limits that several pass together
_NO_SHARING = 2  # the last format of marshal that does not tell one object twice from two equal ones
MAX_GRAMMARS = 256  # compiled grammars kept for reuse; their tables live in the arena anyway
_TEXT_BYTES = np.array([*range(0x20, 0x7F), *range(0x80, 0xC0), *range(0xC2, 0xF5)])


@contextmanager
def _no_collections() -> Iterator[None]:
    """Without Python's cyclic garbage collections: what compiling makes stays, so they would search it in vain."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _as_schema(schema: Any) -> Any:
    """The JSON schema of a schema, JSON text or Python type."""
    if isinstance(schema, (dict, bool)):
        return schema
    if isinstance(schema, str):
        try:
            return json.loads(schema)
        except json.JSONDecodeError as error:
            reason = f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
            raise GrammarError(reason, hint="A schema as a string is JSON text.") from error
    from detent.grammar.types import schema_of

    return schema_of(schema)


def _judge(reader: Reader) -> Judge:
    """The validator of what a reader left out."""
    root = reader.document.root
    formats = reader.formats if reader.format_assertion or root.dialect.asserts_format else None
    return Judge(root.schema, reader.document.remotes, draft=root.draft, formats=formats)


def _cache_key(kind: str, schema: Any, remotes: Any, options: tuple[Any, ...]) -> Any:
    """A key that equal specifications share; None for what does not consist of plain JSON values."""
    try:
        return kind, marshal.dumps(schema, _NO_SHARING), marshal.dumps(remotes, _NO_SHARING), options
    except ValueError:
        return None
