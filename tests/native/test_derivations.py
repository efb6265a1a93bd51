"""Stacks that are hopeless, and the proof that all others can be completed, against a search along the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from detent.automata.dead_ends import Proof, hopeful
from detent.automata.sentences import goes_on, ways
from detent.grammar.errors import GrammarError
from detent.grammar.lark.compile import compile_lark
from detent.grammar.lark.tables import ACCEPT, END, U8, LexedGrammar, ParserTables

Stack: TypeAlias = "tuple[int, ...]"
MOST = 300  # stacks that a search looks at before it gives up
NAMES = ("start", "x", "y")
OPERATORS = ('e "+" e', 'e "+" "+"', '"-" e', 'e "-"', '"(" e ")"', 'e "," e', 'e "(" e ")"')
STATEMENTS = ('e ";"', 'e "+" "+"', '"-" e', '"-" e "," e', 'e "," "a" | e ";" e', 'e "-" ";"', '"(" e "," e ")"')


@st.composite
def grammars(draw: st.DrawFn) -> str:
    """Rules of a few letters, and of a terminal that never comes."""
    symbols = st.sampled_from(['"a"', '"b"', '"c"', "D", "start", "x", "y", "x", "y"])
    right = st.lists(symbols, max_size=3).map(" ".join)
    rules = [f"{name}: " + " | ".join(draw(st.lists(right, min_size=1, max_size=3))) for name in NAMES]
    return "\n".join([*rules, "%declare D"])


def after(parser: ParserTables, stack: Stack, terminal: int) -> Stack | None:
    """The stack after a terminal, None if it is refused; before the end, whatever stands there when it is accepted."""
    while True:
        act = int(parser.action[stack[-1], terminal])
        if act == 0 or act == ACCEPT:
            return stack if act == ACCEPT else None
        if act > 0:
            return (*stack, act - 1)
        rule = -1 - act
        stack = stack[: len(stack) - int(parser.rule_length[rule])]
        to = int(parser.goto[stack[-1], parser.rule_left[rule]])
        if to < 0:
            return None
        stack = (*stack, to)


def usable_in(grammar: LexedGrammar, without: Iterable[str] = ()) -> U8:
    """The terminals that a lexer reads, but for some by name."""
    usable = (grammar.lexer.entry >= 0).astype(np.uint8)
    usable[[grammar.terminals.index(name) for name in without if name in grammar.terminals]] = 0
    return usable


def stacks_behind(grammar: LexedGrammar, stack: Stack, usable: U8 | None = None) -> Iterator[Stack]:
    """The stack and those that (usable) terminals lead to, nearest first."""
    found = [stack]
    for one in found:
        yield one
        for t in np.flatnonzero(usable_in(grammar) if usable is None else usable).tolist():
            to = after(grammar.parser, one, t)
            if to is not None and to not in found:
                found.append(to)


def can_end(grammar: LexedGrammar, stack: Stack, usable: U8 | None = None) -> bool | None:
    """Whether some (usable) terminals lead from a stack to the end; None if that would take too long."""
    for i, one in enumerate(stacks_behind(grammar, stack, usable)):
        if after(grammar.parser, one, END) is not None:
            return True
        if i == MOST:
            return None
    return False


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False)
@given(grammars())
@example('start: x "b" | "a" y\nx: "a" | x "a"\ny: "c" D\n%declare D')
@example('start: x\nx: "a" x | "a" x "b" x | "c"\ny: "c"')
@example('start: x "b" | "c"\nx: "a" | "a" "b" D\ny: "c"\n%declare D')  # behind "a" there is no way on
@example('start: "c" x "b" | x "a"\nx: "a" | "a" "b" D\n%declare D')  # nor behind "ca"
@example('start: "c" x "b" | x "a"\nx: "b" | "a" | "a" "b" D\n%declare D')  # which need not come
@example('start: x y\nx: x "a" x | "b"\ny: x "c"')  # behind "ba", "a" is read as part of x for ever
@example(
    'start: x "c" | "c" y\nx: "a" "b" x | "a"\ny: x "b"'
)  # "cab" is stuck: only in that place is "b" what x begins
def test_hopeless_stacks(text: str) -> None:
    try:
        grammar = compile_lark(text)
    except GrammarError:
        return
    pruned = hopeful(grammar, ())
    usable = usable_in(grammar)
    is_proved = Proof(pruned, ways(pruned.lexer))._can_be_completed(usable)
    for i, stack in enumerate(stacks_behind(pruned, (0,))):
        for t in [END, *np.flatnonzero(usable).tolist()]:
            wanted, got = after(grammar.parser, stack, t), after(pruned.parser, stack, t)
            assert got == wanted or (got is None and t != END and wanted and not can_end(grammar, wanted)), (text, t)
        assert not is_proved or can_end(grammar, stack) is not False, (text, stack)
        if i == 20:
            break


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False)
@given(grammars(), st.sets(st.sampled_from("ABC")))
@example('start: "c" start x | "c"\nx: "a" "b" | "a" "c"\ny: "c"', {"B"})
@example('start: x "c"\nx: "a" | x "b"\ny: "c"', {"B"})
@example('start: x | "c" start\nx: "a" x | "a" x "b" x | "c"\ny: "c"', set())
def test_what_rules_alone_tell(text: str, without: set[str]) -> None:
    try:
        grammar = hopeful(compile_lark(text), ())
    except GrammarError:
        return
    usable = usable_in(grammar, without)
    if not goes_on(grammar.parser, usable):
        return
    for i, stack in enumerate(stacks_behind(grammar, (0,))):
        assert can_end(grammar, stack, usable) is not False, (text, stack)
        if i == 20:
            break


@pytest.mark.parametrize(
    ("text", "without", "goes"),
    [
        ('start: e ";"\ne: e "+" e | "(" e ")" | "a"', "", True),
        ('start: e ";"\ne: e "+" e | "(" e ")" | "a"', "SEMICOLON", False),
        ('start: "a" "b"* "c"', "B", True),
        ('start: "a" "b" "c" | "a" "b" "d"', "C", True),
        ('start: "a" "b" "c" | "a" "d"', "C", False),
        ('start: x\nx: "a" x | "a" x "b" x | "c"', "", True),
        ('start: e "+"\ne: e "+" e | "a"', "", False),
    ],
)
def test_when_rules_alone_tell(text: str, without: str, goes: bool) -> None:
    grammar = compile_lark(text)
    assert goes_on(grammar.parser, usable_in(grammar, [without])) is goes


def test_conflicts_need_not_matter() -> None:
    """Before "+" something else than what was begun is done, but there is always another way to go on."""
    grammar = compile_lark('start: e ";"\ne: e "+" e | "(" e ")" | "a"\n')
    assert grammar.parser.lost.any()
    usable = usable_in(grammar)
    proof = Proof(grammar, ways(grammar.lexer))
    assert proof._can_be_completed(usable)
    usable[grammar.terminals.index("SEMICOLON")] = 0
    assert not proof._can_be_completed(usable)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False)
@given(st.lists(st.sampled_from(OPERATORS), min_size=1, max_size=3, unique=True), st.sampled_from(STATEMENTS))
def test_statements_of_expressions(operators: list[str], statement: str) -> None:
    """Ambiguous operators go on for ever where only something else could end a text: all that, and no more, is seen."""
    grammar = hopeful(compile_lark(f"start: {statement}\ne: " + " | ".join(['"a"', *operators])), ())
    usable = usable_in(grammar)
    is_proved = Proof(grammar, ways(grammar.lexer))._can_be_completed(usable)
    answers = [can_end(grammar, stack) for stack, _ in zip(stacks_behind(grammar, (0,)), range(60), strict=False)]
    assert False not in answers if is_proved else not all(answers)


def test_what_may_follow_depends_on_the_stack() -> None:
    """The same end of a rule is followed by "x" above one stack, by "y" above another: that is no conflict."""
    grammar = compile_lark('start: "x" e "x" | "y" e "y" | e ";"\ne: e "+" e | "(" l ")" | "a"\nl: e | l "," e')
    usable = usable_in(grammar)
    assert Proof(grammar, ways(grammar.lexer))._can_be_completed(usable)
