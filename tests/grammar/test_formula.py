"""Formulas and residuals: simplification against truth tables, derivatives against ones that look at every fact."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar.json_schema.exits import answers_of, assuming
from detent.grammar.json_schema.facts import AtLeast, Each, Facts, Slot, Unique
from detent.grammar.json_schema.formula import AND, ATOM, FALSE, LEAF, NOT, TRUE, Formula, Formulas
from detent.grammar.json_schema.formula import atoms as walk

Tree = Any  # an atom's number, or an operator with trees

TREES = st.recursive(
    st.integers(0, 5), lambda below: st.tuples(st.sampled_from(["all", "any", "no"]), st.lists(below, max_size=4))
)
PLACES, KINDS = 200, 50  # more than there are bits
FACTS = st.one_of(
    st.builds(Slot, st.integers(0, PLACES), st.booleans(), st.sampled_from([TRUE, FALSE])),
    st.builds(Each, st.integers(0, KINDS), st.just(FALSE)),
    st.builds(AtLeast, st.integers(1, 3)),
    st.builds(Unique, st.just(()), st.booleans()),
)


def built(formulas: Formulas, tree: Tree, leaves: list[Formula]) -> Formula:
    """A tree as a formula."""
    if isinstance(tree, int):
        return leaves[tree]
    op, below = tree
    parts = [built(formulas, part, leaves) for part in below]
    if op == "no":
        return formulas.no(formulas.all(parts))
    return formulas.all(parts) if op == "all" else formulas.any(parts)


def holds(tree: Tree, values: tuple[bool, ...]) -> bool:
    """The truth of a tree."""
    if isinstance(tree, int):
        return values[tree]
    op, below = tree
    parts = [holds(part, values) for part in below]
    return any(parts) if op == "any" else all(parts) if op == "all" else not all(parts)


def truth(f: Formula, value: Callable[[Any], bool]) -> bool:
    """The truth of a formula."""
    if f.op == LEAF:
        return f is TRUE
    if f.op == ATOM:
        return value(f.atom)
    parts = [truth(part, value) for part in f.parts]
    return not parts[0] if f.op == NOT else all(parts) if f.op == AND else any(parts)


def plainly_replaced(facts: Formulas, f: Formula, leaf: Callable[[Formula], Formula]) -> Formula:
    """Every atom replaced, one after another."""
    if f.op == LEAF:
        return f
    if f.op == ATOM:
        return leaf(f)
    parts = [plainly_replaced(facts, part, leaf) for part in f.parts]
    return facts.no(parts[0]) if f.op == NOT else facts.all(parts) if f.op == AND else facts.any(parts)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(TREES)
def test_simplified_formulas_mean_the_same(tree: Tree) -> None:
    formulas = Formulas()
    f = built(formulas, tree, [formulas.atom(k) for k in range(6)])
    for values in product([False, True], repeat=6):
        assert truth(f, values.__getitem__) == holds(tree, values)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(TREES, max_size=4))
def test_formulas_that_were_joined_before_are_found_again(trees: list[Tree]) -> None:
    formulas = Formulas()
    leaves = [formulas.atom(k) for k in range(6)]
    first = [built(formulas, tree, leaves) for tree in trees]
    assert all(built(formulas, tree, leaves) is f for tree, f in zip(trees, first, strict=True))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(TREES)
def test_atoms_are_those_that_a_walk_meets(tree: Tree) -> None:
    formulas = Formulas()
    f = built(formulas, tree, [formulas.atom(k) for k in range(6)])
    assert [*f.atoms] == [*walk(f, -1)]


ANSWERS = st.lists(st.tuples(*[st.sampled_from([None, False, True])] * 4), min_size=1, max_size=6)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(TREES, ANSWERS)
def test_answers_stand_in_for_atoms(tree: Tree, all_answers: list[tuple[bool | None, ...]]) -> None:
    facts = Facts(Formulas(), Formulas().any)
    atoms = [facts.atom(k) for k in range(6)]
    f = built(facts, tree, atoms)
    assume = assuming(facts, f, atoms[:4])
    for answers in all_answers:
        for values in product([False, True], repeat=6):
            given_too = [value if answer is None else answer for value, answer in zip(values[:4], answers, strict=True)]
            assert truth(assume(answers_of(answers)), values.__getitem__) == truth(
                f, [*given_too, *values[4:]].__getitem__
            )


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.booleans(), st.lists(st.sets(st.integers(0, 29), min_size=1, max_size=3), min_size=9, max_size=90), st.data())
def test_answers_in_long_formulas(conjunction: bool, parts: list[set[int]], data: st.DataObject) -> None:
    facts = Facts(Formulas(), Formulas().any)
    atoms = [facts.atom(k) for k in range(30)]
    outer, inner = (facts.all, facts.any) if conjunction else (facts.any, facts.all)
    f = outer(inner(map(atoms.__getitem__, sorted(part))) for part in parts)
    assume = assuming(facts, f, atoms)
    for _ in range(4):
        answers = data.draw(st.lists(st.sampled_from([None, False, True]), min_size=30, max_size=30))
        given = {a: {None: a, False: FALSE, True: TRUE}[x] for a, x in zip(atoms, answers, strict=True)}
        assert assume(answers_of(answers)) is facts.replace(f, given.__getitem__)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(TREES, st.lists(FACTS, min_size=6, max_size=6), st.data())
def test_derivatives_look_at_every_fact_about_a_member(tree: Tree, found: list[Any], data: st.DataObject) -> None:
    values = Formulas()
    facts, value = Facts(values, values.any), values.atom("value")
    f = built(
        facts, tree, [facts.atom(fact._replace(value=value) if "value" in fact._fields else fact) for fact in found]
    )
    place = data.draw(st.sampled_from([0, *(fact.place for fact in found if isinstance(fact, Slot))]))
    kind = data.draw(st.sampled_from([0, *(fact.kind for fact in found if isinstance(fact, Each))]))

    def changes() -> list[Formula]:
        derived = [facts.derive(f, *member) for member in ((place, None), (None, kind), (place, kind))]
        return [*derived, facts.without(f, [place, 3]), facts.noted(f, value), facts.loose(f)]

    quickly = changes()
    facts.replace = lambda f, leaf, about=-1: plainly_replaced(facts, f, leaf)  # type: ignore[method-assign]
    assert quickly == changes()


@settings(max_examples=300, derandomize=True, deadline=None)
@given(TREES, st.lists(FACTS, min_size=6, max_size=6))
def test_a_residual_is_closed_when_nothing_more_is_needed(tree: Tree, found: list[Any]) -> None:
    values = Formulas()
    facts = Facts(values, values.any)
    f = built(facts, tree, [facts.atom(fact) for fact in found])
    assert facts.closed(f) == truth(f, lambda a: isinstance(a, (Each, Unique)) or (isinstance(a, Slot) and a.absent))
