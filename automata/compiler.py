"""The compiler: specifications to grammars, over one vocabulary, sharing every table that can be shared."""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args

import numpy as np

from detent.grammar import bnf, charset, dfa, regex, regular, structural_tag
from detent.grammar.errors import GrammarError, Unsatisfiable, VocabularyError
from detent.grammar.json_schema.spelled import NO_SHARING, spelled
from detent.grammar.json_text import from_text
from detent.grammar.recent import Recent
from detent.grammar.rule_automata import RuleAutomata
from detent.grammar.rules import Rules
from detent.grammar.rules import language as leaf_of
from detent.grammar.rules import token as special_token
from detent.native.positions import INDENT_MAX

from .arena import Arena
from .arenas import Arenas
from .bursts import burst
from .cache import DiskCache
from .compiled import Grammar
from .format_cache import FormatCache
from .island import JsonIsland
from .json_grammars import JsonGrammars, JsonSource, Numbers, Whitespace, as_schema
from .limits import Limits
from .lowering import Lowering, place_text, place_words
from .records import Order
from .rule_lowering import RuleLowering, islands_of
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from detent.grammar.lark.imports import ImportPath
    from detent.grammar.lark.tables import LexedGrammar

    from .lexed_islands import Declared

Parser = Literal["lalr", "earley"]
LexerKind = Literal["contextual", "basic", "dynamic", "dynamic_complete"]
_CHOICES = {"order": get_args(Order), "whitespace": get_args(Whitespace), "numbers": get_args(Numbers)}
_CHOSEN = frozenset(product(*_CHOICES.values()))
_LEXERS = {"lalr": ("contextual", "basic"), "earley": ("dynamic", "dynamic_complete", "basic")}  # the default first


class Compiler:
    """Compiles specifications for one vocabulary. Thread-safe; grammars share their tables.

    Parameters
    ----------
    vocabulary : Vocabulary
    cache_dir : path, False or None
        Folder for what takes long to make and never changes (tables of plain values, automata of some formats); None
        is the user's cache folder, False none.
    limits : Limits
        Named bounds.

    Raises
    ------
    TypeError
        If one is of another kind (a tokenizer in place of its vocabulary).
    LimitExceeded
        If not even an empty arena fits ``cache_bytes``.

    Examples
    --------
    >>> compiler = Compiler(vocabulary)                                    # doctest: +SKIP
    >>> grammar = compiler.json_schema({"type": "object"})                 # doctest: +SKIP
    """

    def __init__(self, vocabulary: Vocabulary, cache_dir: Any = None, limits: Limits | None = None) -> None:
        if not isinstance(vocabulary, Vocabulary):
            hint = "Vocabulary.from_transformers(tokenizer) makes one"
            raise TypeError(f"vocabulary must be a detent.Vocabulary, not {type(vocabulary).__name__}: {hint}")
        if not isinstance(limits, Limits | None):
            raise TypeError(f"limits must be detent.Limits(...), not {type(limits).__name__}")
        self.vocabulary = vocabulary
        self.limits = limits or Limits()
        self._grammars = Recent[Grammar](self.limits.cache_bytes // SHARE)
        self.arenas = Arenas(vocabulary, self.limits, DiskCache.open(cache_dir), self._leave)
        self._json = JsonGrammars(self.arenas, FormatCache(cache_dir))
        missing = np.flatnonzero(~vocabulary.spellable_bytes[_TEXT_BYTES])
        self._missing = [int(_TEXT_BYTES[k]) for k in missing]

    def _leave(self, full: Arena) -> None:
        for grammar in self._grammars.values():
            grammar.leave(full)

    @burst
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
        if (order, whitespace, numbers) not in _CHOSEN:
            raise _unknown_choice(order, whitespace, numbers)
        if not isinstance(schema, dict):
            schema = as_schema(schema)
        options = order, whitespace, format_assertion, strict, numbers
        text, others = spelled(schema), spelled(remotes) if remotes else NO_REMOTES
        key, n_bytes = None, 0
        if text is not None and others is not None:
            key, n_bytes = ("json", text, others, options), text.n_bytes + others.n_bytes

        source = JsonSource(self._json, text, others, options)
        return self._cached(key, lambda: source.grammar(schema, remotes), n_bytes)

    @burst
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
        _check_text(pattern, "pattern")

        def make() -> Grammar:
            language = dfa.compile(regex.parse(pattern, anchored=anchored), max_states=self.limits.regex_states)
            if not language.n_states:
                raise Unsatisfiable(f"no text matches {pattern!r:.60}.", keyword="pattern")
            return self._text_grammar(
                lambda arena: place_text(arena, language),
                {"states": language.n_states},
                content=lambda: Rules({"": leaf_of(language)}, ""),
            )

        return self._cached(("regex", pattern, anchored), make, len(pattern))

    @burst
    def choice(self, choices: Iterable[str]) -> Grammar:
        """One of some texts.

        Raises
        ------
        Unsatisfiable
            If there is none.
        """
        if isinstance(choices, str):
            raise TypeError(f"choices must be a list of texts, not one text: [{choices!r:.40}]")
        distinct = set(choices)
        for word in distinct:
            _check_text(word, "a choice")
        words = tuple(sorted(distinct, key=str.encode))
        if not words:
            raise Unsatisfiable("there is nothing to choose from.", keyword="choice")
        text = marshal.dumps(words, NO_SHARING)
        return self._cached(
            ("choice", text),
            lambda: self._text_grammar(
                lambda arena: place_words(arena, words),
                {"choices": len(words)},
                content=lambda: Rules({"": regular.alt(*map(regular.literal, words))}, ""),
            ),
            len(text),
        )

    @burst
    def lark(
        self,
        text: str,
        *,
        start: str = "start",
        parser: Parser = "lalr",
        lexer: LexerKind | None = None,
        import_paths: Sequence[ImportPath] = (),
        source: str | os.PathLike[str] | None = None,
        islands: Mapping[str, Any] | None = None,
        tokens: Mapping[str, str | int] | None = None,
    ) -> Grammar:
        """Text that Lark parses with a grammar.

        Parameters
        ----------
        text : str
            The grammar, in Lark's notation.
        start : str
            The rule to begin with.
        parser, lexer : str
            As Lark's own options: "lalr" with the lexers "contextual" (the default) and "basic", or "earley" with
            "dynamic" (the default), "dynamic_complete" and "basic".
        import_paths : sequence
            Folders, or functions ``(base, path) -> (where, text)``, for ``%import``.
        source : path or None
            File of the grammar, for relative imports.
        islands : mapping or None
            What terminals stand for that the grammar only declares (``%declare``), by name: a JSON Schema, a Python
            type, or a grammar of this compiler.
        tokens : mapping or None
            Declared terminals that are special tokens of the vocabulary, by name: its name or number.

        Raises
        ------
        GrammarError
            With Lark's own words, for a grammar that Lark refuses.
        Unsatisfiable
            If no text belongs to it.
        LimitExceeded
            If a named limit is passed.
        """
        if parser not in _LEXERS:
            raise ValueError(f"parser={parser!r} is none of {', '.join(_LEXERS)}")
        kind = lexer or _LEXERS[parser][0]
        if kind not in _LEXERS[parser]:
            raise ValueError(f"lexer={lexer!r} of parser {parser!r} is none of {', '.join(_LEXERS[parser])}")
        _check_grammar(text)
        from detent.grammar.lark import compile as lark

        def make() -> Grammar:
            declared = self._declared(islands or {}, tokens or {})
            options: dict[str, Any] = {"start": start, "import_paths": import_paths, "source": source}
            options["limits"] = self.limits
            if parser == "earley":
                from .lexed_islands import embedded

                leaves, more = embedded(declared)
                found = lark.earley_rules(text, lexer_kind=kind, islands=leaves, **options)
                return self._rule_grammar(Rules({**found.bodies, **more}, found.start))
            return self._lexed_grammar(lark.compile_lark(text, lexer_kind=kind, **options), declared)

        key = _cache_key("lark", dict(islands or {}), dict(tokens or {}), (start, parser, lexer))
        key = None if import_paths or source or key is None else (*key, text)
        return self._cached(key, make, _n_bytes(key))

    def _declared(self, islands: Mapping[str, Any], tokens: Mapping[str, str | int]) -> dict[str, Declared]:
        """What declared terminals stand for."""
        found: dict[str, Declared] = {}
        for name, value in islands.items():
            if isinstance(value, Grammar) and value.vocabulary != self.vocabulary:
                raise ValueError(f"the island {name} was compiled for another vocabulary")
            content = value.content if isinstance(value, Grammar) else self._json.island(value, "schema", "flexible")
            found[name] = replace(content, spaced=False) if isinstance(content, JsonIsland) else content
        for name, token in tokens.items():
            special = self.vocabulary.special
            if token not in (special if isinstance(token, str) else special.values()):
                raise GrammarError(f"{token!r} is no special token of this vocabulary.", keyword=name)
            found[name] = special_token(special[token] if isinstance(token, str) else token)
        return found

    def _lexed_grammar(self, tables: LexedGrammar, declared: Mapping[str, Declared]) -> Grammar:
        from .lexed_islands import with_islands

        content = with_islands(tables, declared, self.limits)
        return self._text_grammar(
            lambda arena: content.place(arena, None, frozenset()),
            {"states": len(tables.parser.action)},
            has_free_names=content.has_free_names,
            has_islands=content.has_json,
            content=lambda: content,
        )

    def gbnf(self, text: str) -> Grammar:
        """Compile a grammar of llama.cpp (GBNF), whose rule ``root`` is the whole text.

        See ``docs/grammars.md``. Any recursion and ambiguity is taken.

        Raises
        ------
        GrammarError
            With line and column as its pointer.
        Unsatisfiable
            If the grammar has no text.
        LimitExceeded
            ``rule_states``.
        """
        return self._bnf(text, bnf.GBNF, "root")

    def ebnf(self, text: str, *, start: str = "root") -> Grammar:
        """The same for a grammar in the W3C-like notation of XGrammar; ``start`` is the rule of the whole text."""
        return self._bnf(text, bnf.EBNF, start)

    @burst
    def _bnf(self, text: str, dialect: bnf.Dialect, start: str) -> Grammar:
        _check_grammar(text)

        def make() -> Grammar:
            return self._rule_grammar(bnf.parse(text, dialect, start=start, special=self.vocabulary.special))

        return self._cached((dialect.title, text, start), make, len(text))

    @burst
    def structural_tag(self, tag: Mapping[str, Any] | str, *, whitespace: Whitespace = "flexible") -> Grammar:
        """Compile a structural tag: free text with typed islands, as a dict or as JSON text.

        Parameters
        ----------
        tag : mapping or str
            Formats as XGrammar and vLLM take them; see ``docs/grammars.md``.
        whitespace : {"flexible", "bounded", "compact"}
            Of the JSON inside, as in :meth:`json_schema`.

        Raises
        ------
        GrammarError
            With the JSON pointer of the place.
        Unsatisfiable, LimitExceeded
        """
        if isinstance(tag, str):
            tag = from_text(tag)
        if not isinstance(tag, Mapping):
            raise GrammarError("a structural tag is an object.", keyword="structural_tag")

        def island(schema: Any, any_order: bool) -> JsonIsland:
            return self._json.island(schema, "any" if any_order else "schema", whitespace)

        def lark(text: str, options: Mapping[str, str]) -> Rules | regular.Regular:
            from .lexed_islands import leaf

            content = self.lark(text, **options).content  # type: ignore[arg-type]
            return content if isinstance(content, Rules) else leaf(content)

        def make() -> Grammar:
            space = _TRAILING[whitespace]
            return self._rule_grammar(structural_tag.read(tag, island, lark, self.vocabulary.special, space))

        key = _cache_key("structural tag", tag, None, (whitespace,))
        return self._cached(key, make, _n_bytes(key))

    def _rule_grammar(self, rules: Rules) -> Grammar:
        if rules.start not in rules.productive:
            raise Unsatisfiable("the grammar has no text.", keyword=rules.start)
        automata = RuleAutomata(rules, self.limits.rule_states)
        states = sum(automaton.dfa.n_states for automaton in automata.automata.values())
        report = {"relaxed": [], "annotations": [], "rules": len(rules.bodies)}
        islands = islands_of(automata)
        return Grammar(
            self.arenas,
            lambda arena: RuleLowering(arena, automata),
            lambda: report | {"automata": len(automata.automata), "states": states},
            has_free_names=any(island.has_free_names for island in islands),
            has_islands=any(island.has_json for island in islands),
            content=lambda: rules,
        )

    def _text_grammar(self, place: Callable[[Arena], Lowering], report: Mapping[str, Any], **options: Any) -> Grammar:
        return Grammar(self.arenas, place, lambda: {"relaxed": [], "annotations": [], **report}, **options)

    def _refuse(self) -> NoReturn:
        """Refuse a vocabulary that cannot spell every text: a mask could then lead into a dead end."""
        shown = ", ".join(f"0x{b:02x}" for b in self._missing[:8])
        raise VocabularyError(
            f"the vocabulary has no token for {len(self._missing)} single bytes of UTF-8 text ({shown}, ...), "
            "so some texts could be begun and never finished."
        )

    def _cached(self, key: Any, make: Callable[[], Grammar], n_bytes: int) -> Grammar:
        """A grammar from the cache of those compiled last, or a new one, whose specification has so many bytes."""
        found = None if key is None else self._grammars.get(key)
        if found is not None:
            return found
        if self._missing:
            self._refuse()
        self.arenas.make_room()
        made = make()
        if key is not None:
            self._grammars.put(key, made, _weight(made, n_bytes))
        return made


NO_REMOTES = spelled(None)
SHARE = 16  # what compiled grammars kept for reuse may take, as a part of cache_bytes
# bytes of memory that a compiled grammar takes per byte of its specification, tables aside, and one whose parts others
# have, too (the pack of MaskBench: 6 and 28 at the median and p90, 0.9 and 1.2)
PER_BYTE, PER_BYTE_SHARED = 32, 2
OWN_BYTES = 1024  # of specification, that the smallest grammar is reckoned as
_SPACE = regular.chars(charset.of(" \t\r\n"))
_INDENT = regular.repeat(regular.chars(charset.of(" \t")), 0, INDENT_MAX)
# white space behind a JSON value that is not the whole text
_TRAILING: dict[Whitespace, regular.Regular] = {
    "flexible": regular.repeat(_SPACE, 0, None),
    "bounded": regular.alt(regular.EPSILON, regular.literal(" "), regular.seq(regular.literal("\n"), _INDENT)),
    "compact": regular.EPSILON,
}
_TEXT_BYTES = np.array([*range(0x20, 0x7F), *range(0x80, 0xC0), *range(0xC2, 0xF5)])


def _weight(made: Grammar, n_bytes: int) -> int:
    """Bytes of memory that a grammar is reckoned to take, whose specification has so many bytes."""
    own = PER_BYTE_SHARED if made.is_shared else PER_BYTE
    return own * (n_bytes + OWN_BYTES) + PER_BYTE * made.keeps


def _unknown_choice(*chosen: str) -> ValueError:
    """The error for the first option that is none of its choices."""
    wrong = ((name, value, known) for (name, known), value in zip(_CHOICES.items(), chosen, strict=True))
    name, value, known = next(choice for choice in wrong if choice[1] not in choice[2])
    return ValueError(f"{name}={value!r} is none of {', '.join(known)}")


def _check_text(text: Any, name: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {text!r:.60}")


def _check_grammar(text: Any) -> None:
    """Refuse what is no grammar in any notation, such as the name of a file."""
    _check_text(text, "a grammar")
    if text and "\n" not in text and ":" not in text:
        raise GrammarError(f"{text!r:.60} has no rule.", hint="A grammar is given as its text: Path(name).read_text().")


def _cache_key(kind: str, schema: Any, remotes: Any, options: tuple[Any, ...]) -> Any:
    """A key that equal specifications share; None for what does not consist of plain JSON values."""
    try:
        others = marshal.dumps(remotes, NO_SHARING) if remotes else None
        return kind, marshal.dumps(schema, NO_SHARING), others, options
    except ValueError:
        return None


def _n_bytes(key: Any) -> int:
    """Bytes of the specification in such a key."""
    return sum(len(text) for text in key or () if isinstance(text, bytes | str))
