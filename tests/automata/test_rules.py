"""Grammars of rules: masks, bit for bit, against Earley's algorithm over every token."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detent.automata.batch import fill_bitmasks
from detent.automata.compiler import Compiler
from detent.automata.limits import Limits
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar import charset
from detent.grammar.errors import LimitExceeded, Unsatisfiable
from detent.grammar.regular import EMPTY, EPSILON, Regular, alt, chars, literal, repeat, seq
from detent.grammar.rules import Rules, back, call, leave, rest
from detent.native import arena as layout
from tests.masks import allowed
from tests.naive import rules as naive

QUICK = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), print_blob=False
)
NAMES = ("root", "x", "y", "z")


def vocabulary_of(pieces: list[bytes]) -> Vocabulary:
    listed = [*(bytes([b]) for b in range(256)), *pieces, None, None]
    return Vocabulary.from_tokens(listed, eos=[len(listed) - 2], special={"<s>": len(listed) - 1})


@pytest.fixture(scope="module")
def small() -> Compiler:
    rng = random.Random(1)
    pieces = {"".join(rng.choices("abcé", k=rng.randrange(2, 6))).encode() for _ in range(70)}
    return Compiler(vocabulary_of([*sorted(pieces), b"\xc3\xa9a\xc3", b"\xa9b", b"a\xc3"]))


@pytest.fixture(scope="module")
def crowded() -> Compiler:
    """Enough tokens for every table that is shared between positions."""
    rng = random.Random(2)
    pieces = {"".join(rng.choices("abcé ", [9, 9, 4, 1, 2], k=rng.randrange(2, 10))).encode() for _ in range(4000)}
    return Compiler(vocabulary_of(sorted(pieces)))


@pytest.fixture(scope="module")
def several() -> Compiler:
    """Enough tokens for pairs, few enough for grammars that are ambiguous everywhere."""
    rng = random.Random(3)
    pieces = {"".join(rng.choices("abcé ", [9, 9, 4, 1, 2], k=rng.randrange(2, 8))).encode() for _ in range(500)}
    return Compiler(vocabulary_of(sorted(pieces)), limits=Limits(cache_bytes=64 << 20))


def check_walk(compiler: Compiler, rules: Rules, seed: int, steps: int, plain: Rules | None = None) -> None:
    """Compare masks along tokens chosen at random; where there are several, rather long ones.

    ``plain``: the same language for the reference.
    """
    reference, rng = naive.Recogniser(plain or rules), random.Random(seed)
    if not reference.has_text:
        with pytest.raises(Unsatisfiable):
            compiler._rule_grammar(rules)
        return
    matcher, text = compiler._rule_grammar(rules).matcher(), reference.start
    vocabulary, read = compiler.vocabulary, b""
    for _ in range(steps):
        got, wanted = allowed(matcher), naive.allowed(reference, text, vocabulary)
        wrong, missing = ([vocabulary.token_bytes(t) for t in sorted(s)] for s in (got - wanted, wanted - got))
        assert got == wanted, (read, "wrong", wrong, "missing", missing)
        assert wanted, read
        assert matcher.is_complete() == reference.may_end(text)
        weights = [len(vocabulary.token_bytes(token)) + 0.3 for token in sorted(wanted)]
        token = rng.choices(sorted(wanted), weights)[0]
        assert matcher.accept(token)
        if matcher.is_stopped():
            break
        spelled = vocabulary.token_bytes(token)
        read += spelled
        found = reference.read(text, spelled)
        assert found is not None
        text = found


CHARS = st.sampled_from(["a", "b", "c", "ab", "é", "aé", "abc"]).map(lambda s: chars(charset.of(s)))
LEAVES = st.one_of(
    CHARS, st.sampled_from(["ab", "ba", "aé", "c"]).map(literal), st.sampled_from(NAMES).map(call), st.just(EPSILON)
)


def _node(inner: st.SearchStrategy[Regular]) -> st.SearchStrategy[Regular]:
    several = st.lists(inner, min_size=1, max_size=3)
    counts = st.sampled_from([(0, None), (1, None), (0, 1), (2, 2), (1, 3), (0, 2), (2, None)])
    return st.one_of(
        several.map(lambda parts: seq(*parts)),
        several.map(lambda parts: alt(*parts)),
        st.tuples(inner, counts).map(lambda pair: repeat(pair[0], *pair[1])),
    )


BODIES = st.recursive(LEAVES, _node, max_leaves=7)
RULES = st.lists(BODIES, min_size=4, max_size=4).map(
    lambda bodies: Rules(dict(zip(NAMES, bodies, strict=True)), "root")
)
SEEDS = st.integers(0, 2**32 - 1)


@given(RULES, SEEDS)
@QUICK
def test_masks_along_random_tokens(small: Compiler, rules: Rules, seed: int) -> None:
    check_walk(small, rules, seed, 6)


@given(RULES, SEEDS)
@settings(QUICK, max_examples=25)
def test_masks_of_many_tokens(crowded: Compiler, rules: Rules, seed: int) -> None:
    check_walk(crowded, rules, seed, 4)


EXITS = (1, 2)


@dataclass(frozen=True)
class Leaving:
    """The text ends here, by an exit."""

    exit: int


@dataclass(frozen=True)
class Going:
    """A text, or a call of a rule with exits, and what comes behind each; ``apart``: as a rule of its own."""

    what: Regular | str
    behind: tuple[Way, ...]
    apart: bool


Way: TypeAlias = "Leaving | Going"


def with_exits(way: Way, rest_of: Callable[[Regular], Regular]) -> Regular:
    """A way in a rule with exits."""
    if isinstance(way, Leaving):
        return leave(way.exit) if way.exit else EPSILON
    behind = [with_exits(then, rest_of) for then in way.behind]
    if isinstance(way.what, str):
        text = seq(call(way.what), alt(*(seq(back(exit), then) for exit, then in zip(EXITS, behind, strict=True))))
    else:
        text = seq(way.what, alt(*behind))
    return rest_of(text) if way.apart else text


def by_exit(way: Way, exit: int) -> Regular:
    """The texts of a way that leave by one exit."""
    if isinstance(way, Leaving):
        return EPSILON if way.exit == exit else EMPTY
    behind = [by_exit(then, exit) for then in way.behind]
    if isinstance(way.what, str):
        return alt(*(seq(call(f"{way.what}{own}"), then) for own, then in zip(EXITS, behind, strict=True)))
    return seq(way.what, alt(*behind))


def both_ways(bodies: list[list[Way]]) -> tuple[Rules, Rules]:
    """A grammar of rules with exits, the first one without, and the same with a rule for each exit."""
    exits, plain = {}, {}

    def rest_of(text: Regular) -> Regular:
        exits[f"rest {len(exits)}"] = text
        return rest(f"rest {len(exits) - 1}")

    for name, ways in zip(NAMES, bodies, strict=True):
        exits[name] = EPSILON  # in this place
        exits[name] = alt(*(with_exits(way, rest_of) for way in ways))
        for exit in EXITS if name != "root" else (0,):
            plain[f"{name}{exit or ''}"] = alt(*(by_exit(way, exit) for way in ways))
    return Rules(exits, "root"), Rules(plain, "root")


def _ways(exits: tuple[int, ...]) -> st.SearchStrategy[list[Way]]:
    """Ways of a rule; by each exit at least one that ends, so that nothing leads nowhere."""
    texts = st.one_of(
        CHARS, st.sampled_from(["ab", "ba", "aé", "c"]).map(literal), CHARS.map(lambda c: repeat(c, 1, None))
    )

    def going(inner: st.SearchStrategy[Way]) -> st.SearchStrategy[Way]:
        return st.one_of(
            st.builds(Going, texts, st.lists(inner, min_size=1, max_size=2).map(tuple), st.booleans()),
            st.builds(Going, st.sampled_from(NAMES[1:]), st.tuples(inner, inner), st.booleans()),
        )

    leaving = st.sampled_from(exits).map(Leaving)
    ways = going(st.one_of(leaving, going(st.one_of(leaving, going(leaving)))))
    ending = st.tuples(*(st.builds(Going, texts, st.just((Leaving(exit),)), st.booleans()) for exit in exits))
    return st.tuples(st.lists(ways, min_size=1, max_size=3), ending).map(lambda pair: [*pair[0], *pair[1]])


BOTH = st.tuples(_ways((0,)), *(_ways(EXITS) for _ in NAMES[1:])).map(list).map(both_ways)


@given(BOTH, SEEDS)
@settings(QUICK, max_examples=20)
def test_exits(small: Compiler, both: tuple[Rules, Rules], seed: int) -> None:
    check_walk(small, both[0], seed, 6, both[1])


@given(BOTH, SEEDS)
@settings(QUICK, max_examples=20)
def test_exits_and_many_tokens(several: Compiler, both: tuple[Rules, Rules], seed: int) -> None:
    """Masks against steps, since the reference takes seconds for so many tokens."""
    matcher, rng = several._rule_grammar(both[0]).matcher(), random.Random(seed)
    for _ in range(3):
        found = allowed(matcher)
        assert found == {token for token in range(len(several.vocabulary)) if matcher.validate([token])}
        if not matcher.accept(rng.choice(sorted(found))) or matcher.is_stopped():
            break


GRAMMARS = {
    'root ::= root "a" | "b"': (["b", "baa"], ["", "ab"]),
    'root ::= x "1" | "0"\nx ::= root "2" | y "3"\ny ::= x "4" | "5" | root': (["0", "021", "531", "53431"], ["51"]),
    'root ::= e root "a" | "b"\ne ::= "x"?': (["b", "xba", "xxbaa"], ["xb", "a"]),
    'root ::= root | x\nx ::= root | x | "a"': (["a"], ["", "aa"]),
    'root ::= ""': ([""], ["a"]),
    'root ::= "a" root "a" | "b" root "b" | ""': (["", "abba"], ["ab", "aba"]),
    'root ::= "a" root "b" | "c" root | ""': (["", "acab" + "b"], ["ba"]),
    'root ::= x{2,3} y\nx ::= "(" x? ")"\ny ::= "!"*': (["()()", "(())()()!!"], ["()", "()()()()"]),
    'root ::= [^a]+ "a" | "é" root "😀"': (["éa", "ééa😀"], ["a", "éa😀😀"]),
}


@pytest.mark.nojit
@pytest.mark.parametrize("grammar", GRAMMARS)
def test_corner_cases(small: Compiler, grammar: str) -> None:
    good, bad = GRAMMARS[grammar]
    for text in good:
        matcher = small.gbnf(grammar).matcher()
        assert matcher.accept_bytes(text.encode()) and matcher.is_complete(), text
    for text in bad:
        matcher = small.gbnf(grammar).matcher()
        assert not (matcher.accept_bytes(text.encode()) and matcher.is_complete()), text


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= "a," root | "a"',
        'root ::= root "a" | "b" | root root',
        'root ::= "[" (root ("," root)*)? "]"',
        'root ::= root "+" root | "(" root ")" | "a"',
    ],
)
def test_a_step_costs_the_same_after_a_long_text(small: Compiler, grammar: str) -> None:
    """States made by one byte more do not grow with the text."""
    matcher = small.gbnf(grammar).matcher()
    made = []
    for byte in b"a,[(+b" * 200:
        before = int(small.arenas.current.A[layout.STATE + 2])
        matcher.accept_bytes(bytes([byte]))
        made.append(int(small.arenas.current.A[layout.STATE + 2]) - before)
    assert max(made[600:]) <= max(made[:200])


def test_equal_rules_of_two_grammars_share_their_tables(small: Compiler) -> None:
    first = small.gbnf('root ::= "x" list\nlist ::= "[" (list | "a")* "]"')
    second = small.gbnf('root ::= "yy" other "z"\nother ::= "[" (other | "a")* "]"')
    one, two = first.matcher(), second.matcher()
    assert one.accept_bytes(b"x[[a") and two.accept_bytes(b"yy[[a")
    allowed(one)
    pairs = int(small.arenas.current.A[layout.PAIR + 2])
    allowed(two)
    assert int(small.arenas.current.A[layout.PAIR + 2]) - pairs <= 4 * layout.PAIR_STRIDE


def test_the_matcher_of_a_grammar(small: Compiler) -> None:
    matcher = small.gbnf('root ::= "abc" root "c" | "b"').matcher()
    vocabulary = small.vocabulary
    assert matcher.forced_bytes() == b""
    assert matcher.accept_bytes(b"a")
    assert matcher.forced_bytes() == b"bc"
    assert matcher.accept_bytes(b"bcb")
    assert matcher.forced_bytes() == b"c"
    fork = matcher.fork()
    assert fork.accept_bytes(b"c") and fork.is_complete() and not matcher.is_complete()
    assert fork.accept(vocabulary.eos_ids[0]) and fork.is_stopped()
    matcher.rollback(2)
    assert matcher.accept_bytes(b"b") and matcher.is_complete()
    matcher.reset()
    assert matcher.validate(b"aa") == 1
    assert small.gbnf('root ::= "b"').explain()["rules"] == 1


def test_a_full_arena_is_replaced() -> None:
    """By so many grammars that a matcher must go on elsewhere."""
    compiler = Compiler(vocabulary_of([b"ab", b"ba"]), limits=Limits(cache_bytes=3 << 20))
    matcher, arena = compiler.gbnf('root ::= "a" root "b" | "c"').matcher(), compiler.arenas.current
    assert matcher.accept_bytes(b"aa")
    for k in range(1000):
        other = compiler.gbnf(f'root ::= "a" root [b-z]{{{k % 40}}} | "{k}"').matcher()
        assert other.accept_bytes(b"a")
        allowed(other)
        if compiler.arenas.current is not arena:
            break
    assert compiler.arenas.current is not arena
    assert matcher.accept_bytes(b"ac")
    compiler.arenas.renew(matcher._arena)
    assert {compiler.vocabulary.token_bytes(token) for token in allowed(matcher)} == {b"b"}
    assert matcher.accept_bytes(b"bbb")
    assert matcher.is_complete()


def test_a_mask_that_fits_no_arena() -> None:
    """What it is put together from does not fit, the text does: it is made token by token, alone and in a batch."""
    rng = random.Random(4)
    pieces = sorted({"".join(rng.choices("abc ", k=rng.randrange(2, 9))).encode() for _ in range(6000)})
    vocabulary, text = vocabulary_of(pieces), 'root ::= [a-z]+ | root root root " " | [a-z] root [a-z]'
    large = Compiler(vocabulary).gbnf(text).matcher()
    small = Compiler(vocabulary, limits=Limits(cache_bytes=3 << 20))
    tight = small.gbnf(text).matcher()
    with pytest.raises(LimitExceeded, match="cache_bytes"):
        tight._until(Matcher._make_mask, allocate_bitmask(1, len(vocabulary)), 0)
    both = allocate_bitmask(2, len(vocabulary))
    for byte in b"aba":
        wanted = allowed(large)
        assert allowed(tight) == wanted
        fill_bitmasks([tight, small.gbnf('root ::= "a"').matcher()], both)
        large.fill_bitmask(other := allocate_bitmask(1, len(vocabulary)))
        assert (both[0] == other[0]).all()
        assert large.accept_bytes(bytes([byte])) and tight.accept_bytes(bytes([byte]))


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns after each line."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("impatient")
def test_threads_that_compile_the_same_rules() -> None:
    """No rule is found by others before all that it calls are written."""
    vocabulary, n_threads = vocabulary_of([b"ab", b"ba", b"(a"]), 3
    text = 'root ::= (a | b)+\na ::= "ab" | "a" a "b"\nb ::= "(" root ")" | c\nc ::= [0-9]+ ("." d)?\nd ::= [0-9] | "-"'

    def accepts(compiler: Compiler) -> bool:
        matcher = compiler.gbnf(text).matcher()
        return matcher.accept_bytes(b"(1.5ab2)aabb7.-1") and not matcher.accept_bytes(b")")

    with ThreadPoolExecutor(n_threads) as pool:
        for _ in range(60):
            assert all(pool.map(accepts, [Compiler(vocabulary, cache_dir=False)] * n_threads))
