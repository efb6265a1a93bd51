"""Rule automata: recursion to the left is gone, loops are found, limits have names."""

from __future__ import annotations

import pytest

from detent.grammar import bnf, dfa, regex
from detent.grammar.errors import LimitExceeded
from detent.grammar.regular import literal, seq
from detent.grammar.rule_automata import TAIL, RuleAutomata
from detent.grammar.rules import Call, Rules, components, language


def automata(text: str, max_states: int = 1000) -> RuleAutomata:
    return RuleAutomata(bnf.parse(text, bnf.GBNF), max_states)


def left_calls(found: RuleAutomata, name: str) -> list[str]:
    return [symbol.rule for state, symbol, _ in found.automata[name].calls if state == 0 and isinstance(symbol, Call)]


RECURSIVE = [
    'root ::= root "a" | "b"',
    'root ::= x "1" | "0"\nx ::= root "2" | y "3"\ny ::= x "4" | "5" | root',
    'root ::= e root "a" | "b"\ne ::= "x"?',
    'root ::= root | x\nx ::= root | x | "a"',
    'root ::= root root root | "a" | ""',
    'root ::= "(" root ")" | root "+" root | root "*" | "a"',
]


@pytest.mark.parametrize("grammar", RECURSIVE)
def test_no_start_leads_back_to_itself(grammar: str) -> None:
    found = automata(grammar)
    circles = components(found.automata, lambda name: left_calls(found, name))
    assert all(len(members) == 1 and members[0] not in left_calls(found, members[0]) for members in circles)
    for name in found.automata:
        assert all(found.heights[other] < found.heights[name] for other in left_calls(found, name))


@pytest.mark.parametrize(
    ("grammar", "states"),
    [
        ('root ::= "a" root | "a"', 2),
        ('root ::= root "a" | "a"', 2),
        ('root ::= root root | "a"', 2),
        ('root ::= root "+" root | "a"', 2),
        ('root ::= "a" x\nx ::= "b"*', 2),
    ],
)
def test_regular_rules_call_nothing(grammar: str, states: int) -> None:
    found = automata(grammar)
    assert list(found.automata) == ["root"]
    assert found.automata["root"].calls == ()
    assert found.automata["root"].dfa.n_states == states


@pytest.mark.parametrize("pattern", ["[ab]", "a?", "a*b", "ab", "a|bc"])
def test_an_automaton_inside_a_rule_keeps_its_texts(pattern: str) -> None:
    inner = dfa.compile(regex.parse(pattern, anchored=True))
    rules = Rules({"": seq(literal("<"), language(inner), literal(">"))}, "")
    found = RuleAutomata(rules, 100).automata[""].dfa
    for text in ("", "a", "b", "aa", "ab", "aab", "bc", "abc"):
        assert found.accepts(f"<{text}>") == inner.accepts(text)


def test_a_call_with_nothing_behind_it_is_marked() -> None:
    found = automata('root ::= "a" x\nx ::= "b" root "c" | "d"')
    assert [to for _, _, to in found.automata["root"].calls] == [TAIL]


def test_size_is_that_of_the_circle() -> None:
    """Not exponential, and linear for each rule."""
    n = 40
    rules = [f'x{k} ::= x{(k + 1) % n} "a" | x{(k + 3) % n} "b" | "c"' for k in range(n)]
    found = automata("\n".join(["root ::= x0", *rules]), max_states=100_000)
    assert max(rule.dfa.n_states for rule in found.automata.values()) < 20 * n


def test_limits_have_names() -> None:
    with pytest.raises(LimitExceeded, match="rule_states"):
        automata('root ::= ("a" root | "b"){1000} ("a"{100}){100}', max_states=500)
    with pytest.raises(LimitExceeded, match="rule_states"):
        automata("root ::= [ab]* [a] " + "[ab] " * 20, max_states=1000)
