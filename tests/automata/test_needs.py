"""Blocks of carries, and what stacks need, against their definitions and a search."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detent.automata.carries import Carries
from detent.automata.needs import ALIVE, Needs
from detent.grammar.errors import GrammarError
from detent.grammar.lark.compile import compile_lark
from detent.grammar.lark.tables import ParserTables
from detent.native import arena as layout
from detent.native import liveness, stacks
from tests.naive.carries import Pair, alike, can_end
from tests.native.test_derivations import after, grammars

QUICK = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False
)
CARRIES = 4
EXAMPLES = Path(__file__).parents[2] / "examples" / "grammars"


class Lexer:
    """What can come in each context behind each carry, drawn at random."""

    def __init__(self, rng: np.random.Generator, n_contexts: int, tags: list[int], most: int = 4) -> None:
        n = rng.integers(0, most + 1, (n_contexts, CARRIES))
        self._tokens = {
            (c, x): frozenset(
                (int(t), int(y))
                for t, y in zip(rng.choice(tags, n[c, x]), rng.integers(0, CARRIES, n[c, x]), strict=True)
            )
            for c in range(n_contexts)
            for x in range(CARRIES)
        }
        self._stops = rng.integers(0, 2, CARRIES).tolist()

    def endings(self, context: int, carry: int) -> frozenset[Pair]:
        return self._tokens[context, carry]

    def may_stop(self, carry: int) -> bool:
        return bool(self._stops[carry])


def spend(n_steps: int) -> None:
    """No limit."""


def contexts_of(parser: ParserTables) -> dict[int, list[int]]:
    entered = {int(t): set() for _, t in np.argwhere(parser.action > 0)}
    for s, t in np.argwhere(parser.action > 0):
        entered[int(t)].add(int(parser.context[parser.action[s, t] - 1]))
    return {t: sorted(found) for t, found in entered.items()}


@QUICK
@given(st.integers(0, 2**32 - 1), st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=3))
def test_blocks(seed: int, asked: list[Pair]) -> None:
    """Carries explored together have one block each class; what is explored later may have blocks of its own."""
    contexts = {1: [0, 1], 2: [2], 3: [0]}
    lexer = Lexer(np.random.default_rng(seed), 3, [0, 1, 2, 3])
    carries = Carries(lexer.endings, lexer.may_stop, contexts, spend, plain_lives=False)
    for pair in asked:
        carries.block(*pair)
    blocks = carries._blocks
    same = alike(blocks, lexer.endings, lexer.may_stop, contexts)
    for p in blocks:
        for q in blocks:
            if blocks[p] == blocks[q]:
                assert (p, q) in same
            elif len(asked) == 1:
                assert (p, q) not in same
    for (context, carry), block in blocks.items():
        wanted = sum(1 << x for x in {carries.letter(context, *token) for token in lexer.endings(context, carry)})
        assert carries.letters[block] == wanted | lexer.may_stop(carry)


def cells(stack: tuple[int, ...]) -> NDArray[np.int32]:
    """An arena of nothing but a stack: cell -k is the k-th from below."""
    A = np.zeros(1000, np.int32)
    A[layout.CELLS] = 500
    for k, state in enumerate(stack, 1):
        A[500 + stacks.CELL * k : 502 + stacks.CELL * k] = state, 1 - k
    return A


@QUICK
@given(grammars(), st.integers(0, 2**32 - 1), st.sampled_from([1, 7, 10**6]))
def test_needs(text: str, seed: int, steps: int) -> None:
    """From any stack and carry: what is found out in steps is what a search says."""
    try:
        grammar = compile_lark(text)
    except GrammarError:
        return
    parser, tags = grammar.parser, np.flatnonzero(grammar.lexer.entry >= 0).tolist()
    assume(tags)
    rng = np.random.default_rng(seed)
    n_contexts = int(parser.context.max()) + 1
    lexer = Lexer(rng, n_contexts, [0, *tags])
    needs = Needs(parser, Carries(lexer.endings, lexer.may_stop, contexts_of(parser), spend, plain_lives=False))
    stack = (0,)
    for _ in range(4):
        A = cells(stack)
        for context, carry in product({int(parser.context[stack[-1]]), int(rng.integers(n_contexts))}, range(CARRIES)):
            wanted = can_end(parser, stack, context, carry, lexer.endings, lexer.may_stop, 300)
            node = needs.between(stack[-1], context, carry)
            while (found := needs.meets(A, node, 1 - len(stack), stack[-1])) == liveness.UNKNOWN:
                needs.solve(steps)
            assert wanted is None or (found == liveness.YES) == wanted, (text, stack, context, carry)
        more = [to for t in tags if (to := after(parser, stack, t)) is not None]
        if not more:
            break
        stack = more[int(rng.integers(len(more)))]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_not_yet_known_is_not_denied(seed: int) -> None:
    """Of a large grammar, answers are the same whether they are looked for in steps or when all is known."""
    rng = np.random.default_rng(seed)
    grammar = compile_lark((EXAMPLES / "sql.lark").read_text())
    parser, tags = grammar.parser, np.flatnonzero(grammar.lexer.entry >= 0).tolist()
    lexer = Lexer(rng, int(parser.context.max()) + 1, [0, *tags], 60)
    new = partial(Carries, lexer.endings, lexer.may_stop, contexts_of(parser), spend, plain_lives=False)
    needs, solved, stack, n = Needs(parser, new()), Needs(parser, new()), (0,), Counter[bool]()
    for _ in range(60):
        A = cells(stack)
        for carry in range(CARRIES):
            where = stack[-1], int(parser.context[stack[-1]]), carry
            node, other = needs.between(*where), solved.between(*where)
            while (found := needs.meets(A, node, 1 - len(stack), stack[-1])) == liveness.UNKNOWN:
                needs.solve(1)
            while (expected := solved.meets(A, other, 1 - len(stack), stack[-1])) == liveness.UNKNOWN:
                solved.solve(10**6)
            assert found == expected, (stack, carry)
            n[found == liveness.YES] += 1
        more = [to for t in tags if (to := after(parser, stack, t)) is not None and len(to) < 30]
        stack = more[int(rng.integers(len(more)))] if more else (0,)
    assert n[True] > 20 and n[False] > 20, n


def test_a_parser_that_puts_states_on_its_stack_for_ever() -> None:
    """No grammar that Lark can read texts of has such tables: state 1 reads nothing, and is there again."""
    action = np.array([[-2, -2], [-2, -2]], np.int32)
    parser = ParserTables(
        action=action,
        goto=np.array([[-1, 1], [-1, 1]], np.int32),
        rule_left=np.array([0, 1], np.int32),
        rule_length=np.array([1, 0], np.int32),
        rule_right=((), ()),
        context=np.zeros(2, np.int32),
        lost=np.zeros((2, 2), np.bool_),
    )
    carries = Carries(lambda _, __: frozenset([(1, 0)]), lambda _: True, {}, spend, plain_lives=False)
    needs = Needs(parser, carries)
    node = needs.between(0, 0, 0)
    needs.solve(1_000)
    assert needs.is_solved
    assert needs.facts(node) == {}


@pytest.mark.parametrize("carry", [0, -5])
def test_plain_carries_live(carry: int) -> None:
    grammar = compile_lark('start: "a" "b"')
    carries = Carries(lambda _, __: frozenset(), lambda _: False, contexts_of(grammar.parser), spend, plain_lives=True)
    needs = Needs(grammar.parser, carries)
    node = needs.between(0, 0, carry)
    needs.solve(100)
    assert (ALIVE in needs.facts(node)) == (carry >= 0)
