"""Masks, bit for bit, against the tokens that the naive recogniser allows."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detent.automata.batch import fill_bitmasks
from detent.automata.compiled import Grammar
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import GrammarError, LimitExceeded, Unsatisfiable
from tests.masks import allowed
from tests.naive import masks as naive
from tests.naive.json_values import Recogniser, recogniser
from tests.strategies import SCHEMAS, instances, spellings_of, split, tokens

QUICK = settings(
    derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck), print_blob=False
)
OPTIONS = st.tuples(st.sampled_from(("schema", "any", "fixed")), st.sampled_from(("flexible", "bounded", "compact")))
SEEDS = st.integers(0, 2**32 - 1)


def compile_both(compiler: Compiler, schema: Any, order: str, whitespace: str) -> tuple[Grammar, Recogniser]:
    """A grammar and its naive recogniser, which agree on whether there is any instance."""
    try:
        grammar = compiler.json_schema(schema, order=order, whitespace=whitespace)  # type: ignore[arg-type]
    except Unsatisfiable:
        assert not recogniser(schema, order=order, whitespace=whitespace).start
        assume(False)
    except GrammarError as error:  # too many branches, or a reference that leads back to itself
        assume(not isinstance(error, LimitExceeded) and error.keyword != "$ref")
        raise
    reference = recogniser(schema, order=order, whitespace=whitespace)
    assert reference.start
    return grammar, reference


def show(vocabulary: Vocabulary, tokens: set[int]) -> list[bytes]:
    return [vocabulary.token_bytes(token) for token in sorted(tokens)]


def check_here(matcher: Matcher, reference: Recogniser, text: bytes) -> set[int]:
    """Compare the mask after a text; returns it."""
    vocabulary = matcher.grammar.vocabulary
    stacks = reference.read(reference.start, text)
    got, wanted = allowed(matcher), naive.allowed(reference, stacks, vocabulary)
    assert got == wanted, (text, "wrong", show(vocabulary, got - wanted), "missing", show(vocabulary, wanted - got))
    assert wanted, text
    assert matcher.is_complete() == reference.may_end(stacks)
    return got


def walk(matcher: Matcher, reference: Recogniser, rng: random.Random, steps: int) -> bytes:
    """Compare masks along tokens chosen at random."""
    vocabulary, text = matcher.grammar.vocabulary, b""
    for _ in range(steps):
        token = rng.choice(sorted(check_here(matcher, reference, text)))
        assert matcher.accept(token)
        if matcher.is_stopped():
            assert not allowed(matcher)
            break
        text += vocabulary.token_bytes(token)
    return text


@given(SCHEMAS, OPTIONS, SEEDS)
@QUICK
def test_masks_along_random_tokens(compiler: Compiler, schema: Any, options: tuple[str, str], seed: int) -> None:
    grammar, reference = compile_both(compiler, schema, *options)
    walk(grammar.matcher(), reference, random.Random(seed), 12)


@pytest.fixture(scope="module")
def crowded() -> Compiler:
    """A compiler with enough tokens for every table that is shared between positions."""
    listed = tokens(joined=2500)
    return Compiler(Vocabulary.from_tokens(listed, eos=[len(listed) - 2]))


@given(SCHEMAS, OPTIONS, SEEDS)
@settings(QUICK, max_examples=20)
def test_masks_of_many_tokens(crowded: Compiler, schema: Any, options: tuple[str, str], seed: int) -> None:
    grammar, reference = compile_both(crowded, schema, *options)
    walk(grammar.matcher(), reference, random.Random(seed), 8)


PIECES = ["a", "b", "ab", " ", "é", "\\n", "\\u0061", '\\"', "\\\\", '"', '":', '",', '"}', "😀"]


@pytest.fixture(scope="module")
def wordy() -> Compiler:
    """A compiler with long tokens, as bounded strings meet them."""
    rng = random.Random(4)
    long = ["".join(rng.choices(PIECES, [9, 9, 9, 3] + 10 * [1], k=rng.randrange(1, 30))) for _ in range(1500)]
    listed = [*(bytes([b]) for b in range(256)), *sorted(text.encode() for text in long), None]
    return Compiler(Vocabulary.from_tokens(listed, eos=[len(listed) - 1]))


PATTERNS = [None, "^[ab]*$", "^[a-z]+( [a-z]+)*$", "b", "^[^ ]*$", "^(a|b[^b])*$", "^.{3}$|^[a-c]*$", "^.*[é😀]$"]
BOUNDS = st.one_of(
    st.tuples(st.integers(0, 12), st.none()),
    st.tuples(st.integers(0, 12), st.integers(12, 40)),
    st.tuples(st.integers(0, 2), st.integers(3, 9)),
)


@given(st.sampled_from(PATTERNS), BOUNDS, st.booleans(), SEEDS)
@settings(QUICK, max_examples=45)
def test_masks_of_bounded_strings(
    wordy: Compiler, pattern: str | None, length: tuple[int, int | None], inside: bool, seed: int
) -> None:
    bounds = {"pattern": pattern, "minLength": length[0], "maxLength": length[1]}
    text = {"type": "string"} | {keyword: value for keyword, value in bounds.items() if value is not None}
    schema = {"type": "array", "items": [text, text]} if inside else text
    grammar, reference = compile_both(wordy, schema, "any", "compact")
    walk(grammar.matcher(), reference, random.Random(seed), 8)


@given(st.data(), SCHEMAS, OPTIONS, SEEDS)
@QUICK
def test_masks_along_instances(
    compiler: Compiler, data: st.DataObject, schema: Any, options: tuple[str, str], seed: int
) -> None:
    grammar, reference = compile_both(compiler, schema, *options)
    rng = random.Random(seed)
    value = data.draw(instances(schema))
    layouts: list[dict[str, Any]] = [{"separators": (",", ":")}, {}, {"indent": 2}]
    text = json.dumps(value, ensure_ascii=rng.random() < 0.3, **rng.choice(layouts)).encode()
    matcher, done = grammar.matcher(), b""
    for token in split(text, spellings_of(compiler.vocabulary), rng):
        mask = check_here(matcher, reference, done)
        assert matcher.accept(token) == (token in mask)
        if token not in mask:
            break
        done += compiler.vocabulary.token_bytes(token)
    else:
        check_here(matcher, reference, done)


@pytest.mark.nojit
@pytest.mark.parametrize("listed", [[], [b"[["], [b" ["], [b"  "], [b"\n\n1", b"  "]])
@pytest.mark.parametrize("whitespace", ["flexible", "bounded", "compact"])
def test_vocabularies_with_hardly_any_white_space(listed: list[bytes], whitespace: str) -> None:
    vocabulary = Vocabulary.from_tokens([*(bytes([b]) for b in range(256)), *listed, None], eos=[256 + len(listed)])
    schema = {"type": ["array", "integer"], "items": {"enum": [1, "a", None]}}
    compiler = Compiler(vocabulary)
    grammar, reference = compile_both(compiler, schema, "schema", whitespace)
    for seed in range(4):
        walk(grammar.matcher(), reference, random.Random(seed), 8)


FIXED: list[Any] = [
    True,
    {"type": "object", "properties": {"a": {"type": "integer"}, "id": {"$ref": "#"}}, "required": ["a"]},
    {"type": "array", "items": {"enum": ["a", "ab", 'q"', 1, None, {"a": [1]}]}},
    {"type": "string", "pattern": "^[a-z]{2,4}$"},
    {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
    {"type": "string", "pattern": "b"},
    {"type": "string", "pattern": "^[a-z]+( [a-z]+)*$", "maxLength": 5},
]


@pytest.mark.nojit
@pytest.mark.parametrize("schema", FIXED)
def test_masks_of_plain_schemas(compiler: Compiler, schema: Any) -> None:
    grammar, reference = compile_both(compiler, schema, "any", "bounded")
    walk(grammar.matcher(), reference, random.Random(7), 10)


def test_batches_equal_single_masks(compiler: Compiler) -> None:
    rng, matchers = random.Random(1), []
    for k in range(70):
        grammar = compiler.json_schema(FIXED[k % len(FIXED)])
        matcher = grammar.matcher()
        for _ in range(rng.randrange(12)):
            matcher.accept(rng.choice(sorted(allowed(matcher)) or [0]))
        matchers.append(matcher)
    n = len(compiler.vocabulary)
    wanted = allocate_bitmask(len(matchers), n)
    for row, matcher in enumerate(matchers):
        matcher.fill_bitmask(wanted, row)
    mask = allocate_bitmask(len(matchers), n)
    fill_bitmasks(matchers, mask)
    assert (mask == wanted).all()
    mask, rows = allocate_bitmask(200, n), rng.sample(range(200), len(matchers))
    fill_bitmasks(matchers, mask, rows)
    assert (mask[rows] == wanted).all()
    assert (np.delete(mask, rows, axis=0) == -1).all()
    with pytest.raises(IndexError):
        fill_bitmasks(matchers[:1], mask, [200])


def traverse(grammar: Grammar, seed: int) -> list[frozenset[int]]:
    """The masks of a random text."""
    rng, matcher, masks = random.Random(seed), grammar.matcher(), []
    for _ in range(40):
        masks.append(frozenset(allowed(matcher)))
        if not masks[-1]:
            break
        assert matcher.accept(rng.choice(sorted(masks[-1])))
    return masks


def test_threads_share_a_grammar(vocabulary: Vocabulary) -> None:
    one, many = Compiler(vocabulary), Compiler(vocabulary)
    jobs = [(schema, seed) for seed in range(12) for schema in FIXED]
    wanted = [traverse(one.json_schema(schema), seed) for schema, seed in jobs]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda job: traverse(many.json_schema(job[0]), job[1]), jobs))
    assert got == wanted


@pytest.mark.parametrize("threads", [1, 8])
def test_an_arena_that_fills_in_mid_text_is_replaced(vocabulary: Vocabulary, threads: int) -> None:
    large, small = Compiler(vocabulary), Compiler(vocabulary, limits=Limits(cache_bytes=256 << 10))
    first = small.arenas.current
    jobs = [(schema, seed) for seed in range(6) for schema in FIXED]
    wanted = [traverse(large.json_schema(schema), seed) for schema, seed in jobs]
    with ThreadPoolExecutor(threads) as pool:
        got = list(pool.map(lambda job: traverse(small.json_schema(job[0]), job[1]), jobs))
    assert got == wanted
    assert small.arenas.current is not first


def test_matchers_that_take_turns_in_small_arenas(vocabulary: Vocabulary) -> None:
    """A matcher may come back to an arena that others have replaced, and find the next one full as well."""
    small, rng = Compiler(vocabulary, limits=Limits(cache_bytes=256 << 10)), random.Random(3)
    matchers = [small.json_schema(FIXED[k % len(FIXED)]).matcher() for k in range(10)]
    for _ in range(600):
        matcher = rng.choice(matchers)
        if tokens_here := sorted(allowed(matcher)):
            assert matcher.accept(rng.choice(tokens_here))
        else:
            matcher.reset()


LOOPING = ["^[^ab]+$", "^[a-m ]+$", "^([a-z]+ )*[a-z]+$", "^a*[^a]+$", "[0-9]", "^.+$"]
LOOPING += ["^[^\u00c0-\u00ff]+$", "^[\u3040-\u30ff]*$", "^.+-.+$", "^.*?\\..*$", "^b.*a[^b]*$", "^(.*a.*|b)$"]


@pytest.fixture(scope="module")
def large() -> Compiler:
    """A compiler with so many tokens that tables of loops are shared, and that some lists are too long."""
    letters = 'abcdmnzAZ09 -_/"\\éÀÿあア日😀\x7f'
    words = {a + b + c for a in letters for b in letters for c in ("", *letters)}
    parts = {word.encode()[1:] for word in words if word[0] > "\x7f"}  # tokens that begin inside a character
    spelled = [bytes([b]) for b in range(256)]
    listed = [*spelled, *sorted({w.encode() for w in words} | parts - set(spelled))]
    return Compiler(Vocabulary.from_tokens(listed, eos=[0]))


@pytest.mark.parametrize("bounds", [{}, {"maxLength": 4}, {"minLength": 2, "maxLength": 9}])
@pytest.mark.parametrize("pattern", LOOPING)
def test_loops_over_a_large_vocabulary(large: Compiler, pattern: str, bounds: dict[str, int]) -> None:
    """Patterns that loop: every bit against reading the token."""
    grammar = large.json_schema({"type": "string", "pattern": pattern, **bounds})
    for text in (b'"', b'"b', b'"c a', b'"\xc3', b'"\xe3\x81', b'"0'):
        matcher = grammar.matcher()
        if matcher.accept_bytes(text):
            read = {token for token in range(len(large.vocabulary)) if matcher.validate([token])}
            assert allowed(matcher) == read


NAMES: list[Any] = [{"minLength": 2, "maxLength": 9}, {"minLength": 3}]
NAMES += [{"pattern": pattern} for pattern in ("^.{1,4}$", "^[^a]{3,}$", "^[a-m\u00e9 ]{2,6}$", "^([bcd]{2,5}|é)$")]


@pytest.mark.parametrize("listed", [(), ("bb", "cm")])
@pytest.mark.parametrize("names", NAMES)
def test_names_that_are_counted_over_a_large_vocabulary(large: Compiler, names: Any, listed: tuple[str, ...]) -> None:
    """Names of which only the length matters: every bit against reading the token."""
    members = {name: {"type": "null"} for name in listed}
    grammar = large.json_schema({"type": "object", "propertyNames": names, "properties": members})
    for text in (b"", b"b", b"c m", b"bbbb", b"\xc3", b"\xe3\x81", "éa".encode(), b'bb":null,"', b'bb":null,"b'):
        matcher = grammar.matcher()
        if matcher.accept_bytes(b'{"' + text):
            read = {token for token in range(len(large.vocabulary)) if matcher.validate([token])}
            assert allowed(matcher) == read, text


AB = "[ab]{1,70}"
COUNTING: list[Any] = [
    {"pattern": f"^{AB}c?$"},
    {"pattern": "^[ab]{5,90}$"},
    {"pattern": f"^(x|é){AB}-[a-c]{{0,60}}$"},
    {"pattern": "^.{40}$"},
    {"patternProperties": {f"^{AB}$": {"type": "integer"}}},
    {"patternProperties": {f"^{AB}$": {"type": "integer"}, "^[ab]{40,90}$": {"minimum": 3}}, "required": ["ab"]},
    {"patternProperties": {"^[ab]{2,64}$": {}, "^[ab]{1,64}-[ab]{0,64}$": {"const": 1}}},
    {"patternProperties": {"^.+-.*b$": {"const": 1}}},
    {"patternProperties": {"^.{2,40}$": {"const": 1}}, "properties": {"ab": {"type": "integer"}}},
    {"patternProperties": {"^[ab]{3,}$": {"type": "integer"}}},
]


@pytest.fixture(scope="module", params=[20, 100])
def counters(request: pytest.FixtureRequest) -> Compiler:
    """A compiler with tokens of up to a hundred letters, and of what may end them: escapes after so many at most."""
    rng = random.Random(7)
    escapes = ["\\u0061", '\\u0061"', "\\u0061" * 3 + '":', "\\n"]
    ends = ["", '"', '":', '": 1', "c", "-", "-ab", "é", '"}', "x", "“-", "\u2028"]
    runs = {"".join(rng.choices("ab", k=rng.choice((rng.randrange(1, 9), rng.randrange(1, 100))))) for _ in range(500)}
    words = {run + end for run in runs for end in rng.sample(ends, 3)} | {'{"' + run for run in sorted(runs)[:200]}
    words |= {run + rng.choice(escapes) for run in runs if len(run) <= request.param}
    spelled = [bytes([b]) for b in range(256)]
    listed = [*spelled, *sorted({word.encode() for word in words} - set(spelled)), None]
    return Compiler(Vocabulary.from_tokens(listed, eos=[len(listed) - 1]))


@pytest.mark.parametrize("schema", COUNTING)
def test_patterns_that_count(counters: Compiler, schema: Any) -> None:
    """Automata that do little but to count characters: every bit against reading the token."""
    is_key = "patternProperties" in schema
    options = {"type": "object", "additionalProperties": False} if is_key else {"type": "string"}
    grammar = counters.json_schema(options | schema, whitespace="compact")
    tokens_here = range(len(counters.vocabulary))
    for start in ("", '"', '"x', '"ab-') if not is_key else ("", '{"', '{"ab":1,"', '{"b-'):
        for n in (0, 1, 2, 7, 31, 33, 38, 52, 63, 69, 70):
            matcher = grammar.matcher()
            if matcher.accept_bytes(f"{start}{'ba' * n}"[: len(start) + n].encode()):
                read = {token for token in tokens_here if matcher.validate([token])}
                assert allowed(matcher) == read, (start, n)
