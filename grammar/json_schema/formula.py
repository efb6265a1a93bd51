"""Boolean formulas, hash-consed and simplified as they are built.

Atoms are whatever a table of formulas is made for: nodes (what a value must meet), or facts about one object or array
(:mod:`.residuals`). Equal formulas of one table are one object, so they compare and hash by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

ATOM, AND, OR, NOT = range(4)
LEAF = -1  # the operator of the constants


class Formula:
    """A constant, an atom, a conjunction, a disjunction or a negation.

    Attributes
    ----------
    op : int
    parts : tuple
        The atom, or the formulas below.
    atom : object
        What an atom stands for; None where the formula is none.
    about : int
        Bit set of what its atoms speak of: formulas without a common bit have no atom in common.
    serials : tuple of int
        Serial numbers of the parts of a conjunction or disjunction, ascending.
    """

    __slots__ = ("_atoms", "about", "atom", "op", "parts", "serial", "serials")

    def __init__(self, op: int, parts: tuple[Any, ...], serial: int, about: int, serials: tuple[int, ...] = ()) -> None:
        self.op, self.parts, self.serial, self.about, self.serials = op, parts, serial, about, serials
        self.atom: Any = parts[0] if op == ATOM else None
        self._atoms: tuple[Formula, ...] | None = None

    @property
    def atoms(self) -> tuple[Formula, ...]:
        """Every atom once, in a fixed order; known from then on, since much asks for them again and again."""
        found = self._atoms
        if found is None:
            below = [(self,)] if self.op == ATOM else [part.atoms for part in self.parts]
            found = self._atoms = tuple(dict.fromkeys(chain.from_iterable(below)))
        return found

    def __repr__(self) -> str:
        if self.op == LEAF:
            return "true" if self is TRUE else "false"
        if self.op == ATOM:
            return repr(self.atom)
        if self.op == NOT:
            return f"not {self.parts[0]}"
        return "(" + (" and " if self.op == AND else " or ").join(map(repr, self.parts)) + ")"


TRUE, FALSE = Formula(LEAF, (), 0, 0), Formula(LEAF, (), 1, 0)
SUBJECTS = 60  # bits of `about`


class Formulas:
    """A table of formulas over one kind of atoms."""

    def __init__(self) -> None:
        self._made: dict[Any, Formula] = {}
        self._simpler: dict[tuple[int, tuple[int, ...]], Formula] = {}  # by parts that say it in more words
        self.work = 0  # formulas joined so far: a measure of time

    def _make(self, op: int, parts: tuple[Formula, ...], serials: tuple[int, ...]) -> Formula:
        key = op, serials
        found = self._made.get(key)
        if found is None:
            about = 0
            for part in parts:
                about |= part.about
            found = self._made[key] = Formula(op, parts, len(self._made) + 2, about, serials)
        return found

    def atom(self, atom: Any) -> Formula:
        """The formula of one atom."""
        key = (ATOM, atom)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = Formula(ATOM, (atom,), len(self._made) + 2, self.subject(atom))
        return found

    def subject(self, atom: Any) -> int:
        """What an atom speaks of, as a bit; atoms that :meth:`merge` would put together speak of the same."""
        return 1 << len(self._made) % SUBJECTS

    def no(self, f: Formula) -> Formula:
        """Negation."""
        if f.op == LEAF:
            return FALSE if f is TRUE else TRUE
        if f.op == NOT:
            return f.parts[0]  # type: ignore[no-any-return]
        if f.op == AND:
            return self.any(map(self.no, f.parts))
        if f.op == OR:
            return self.all(map(self.no, f.parts))
        return self.no_atom(f)

    def no_atom(self, f: Formula) -> Formula:
        """Negation of an atom."""
        return self._make(NOT, (f,), (f.serial,))

    def all(self, parts: Iterable[Formula]) -> Formula:
        """Conjunction."""
        return self._join(AND, parts, TRUE, FALSE)

    def any(self, parts: Iterable[Formula]) -> Formula:
        """Disjunction."""
        return self._join(OR, parts, FALSE, TRUE)

    def _join(self, op: int, parts: Iterable[Formula], neutral: Formula, zero: Formula) -> Formula:
        self.work += 1
        flat: dict[int, Formula] = {}
        for part in parts:
            if part.op == op:
                flat.update(zip(part.serials, part.parts, strict=True))
            elif part is zero:
                return zero
            elif part is not neutral:
                flat[part.serial] = part
        if len(flat) < 2:
            return next(iter(flat.values()), neutral)
        key = op, tuple(sorted(flat))
        found = self._made.get(key) or self._simpler.get(key)
        if found is None:
            found = self._simplified(op, flat, neutral, zero)
            if found is None:
                found = self._make(op, tuple([flat[k] for k in key[1]]), key[1])
            else:
                self._simpler[key] = found
        return found

    def _simplified(self, op: int, flat: dict[int, Formula], neutral: Formula, zero: Formula) -> Formula | None:
        """What parts are together, or None when each of them says something of its own."""
        alone = twice = mixed = 0  # subjects of parts that are atoms or their negations, and of others
        for f in flat.values():
            if f.op == ATOM or f.op == NOT:
                twice |= alone & f.about
                alone |= f.about
            else:
                mixed |= f.about
        if twice:
            merged = self.merge(op, flat)
            if merged is not None:
                return self._join(op, merged, neutral, zero)
            for f in flat.values():
                if f.op == NOT and f.parts[0].serial in flat:
                    return zero
        if mixed & alone:
            kept = self._absorb(op, flat, alone)
            if len(kept) < len(flat):
                return self._join(op, kept.values(), neutral, zero)
        return None

    def merge(self, op: int, flat: dict[int, Formula]) -> list[Formula] | None:
        """Parts with atoms of one subject put together, or None when there is nothing to put together."""
        return None

    def _absorb(self, op: int, flat: dict[int, Formula], alone: int) -> dict[int, Formula]:
        """Parts without those that another part makes superfluous: ``a and (a or b)`` is ``a``."""
        other, serials = OR if op == AND else AND, flat.keys()
        return {k: f for k, f in flat.items() if f.op != other or not f.about & alone or serials.isdisjoint(f.serials)}

    def replace(self, f: Formula, leaf: Callable[[Formula], Formula], about: int = -1) -> Formula:
        """The formula with every atom about some subjects replaced (``leaf`` gets the atom's formula)."""
        if not f.about & about:
            return f
        done: dict[int, Formula] = {}

        def put(f: Formula) -> Formula:
            found = done.get(f.serial)
            if found is None:
                found = done[f.serial] = leaf(f) if f.op == ATOM else with_parts(f)
            return found

        def with_parts(f: Formula) -> Formula:
            op = f.op
            if op == NOT:
                return self.no(put(f.parts[0]))
            zero = FALSE if op == AND else TRUE
            other: dict[int, Formula] = {}
            for part in f.parts:
                if part.about & about:
                    serial = part.serial
                    found = done.get(serial)
                    if found is None:
                        found = done[serial] = leaf(part) if part.op == ATOM else with_parts(part)
                    if found is zero:
                        return zero
                    if found is not part:
                        other[serial] = found
            if not other:
                return f
            neutral = TRUE if op == AND else FALSE
            return self._join(op, [other.get(part.serial, part) for part in f.parts], neutral, zero)

        return put(f)

    def grant(self, f: Formula, kind: type) -> Formula:
        """The formula with atoms of a kind true wherever they stand, and their negations as well."""
        done: dict[int, Formula] = {}

        def walk(f: Formula) -> Formula:
            if f.op == LEAF:
                return f
            if f.op in (ATOM, NOT):
                atom = f.atom if f.op == ATOM else f.parts[0].atom
                return TRUE if isinstance(atom, kind) else f
            found = done.get(f.serial)
            if found is None:
                found = done[f.serial] = (self.all if f.op == AND else self.any)(map(walk, f.parts))
            return found

        return walk(f)


def atoms(f: Formula, about: int) -> Iterator[Formula]:
    """Every atom of a formula about some subjects once, in a fixed order (and others perhaps)."""
    seen: set[int] = set()
    stack = [f]
    while stack:
        f = stack.pop()
        if not f.about & about or f.serial in seen:
            continue
        seen.add(f.serial)
        if f.op == ATOM:
            yield f
        else:
            stack.extend(reversed(f.parts))


def polarity(f: Formula, atom: Formula) -> int:
    """How an atom occurs: 1 only as it is, 2 only negated, 3 both ways, 0 not at all."""
    found = 0
    stack = [(f, 1)]
    seen: set[tuple[int, int]] = set()
    while stack and found != 3:
        f, sign = stack.pop()
        if f is atom:
            found |= sign
        elif f.op not in (LEAF, ATOM) and (f.serial, sign) not in seen:
            seen.add((f.serial, sign))
            sign = 3 - sign if f.op == NOT else sign
            stack.extend((part, sign) for part in f.parts)
    return found


def conjuncts(f: Formula) -> tuple[Formula, ...]:
    """The parts of a conjunction; a formula that is none is its only part."""
    return f.parts if f.op == AND else () if f is TRUE else (f,)


def disjuncts(f: Formula) -> tuple[Formula, ...]:
    """The parts of a disjunction; a formula that is none is its only part."""
    return f.parts if f.op == OR else () if f is FALSE else (f,)
