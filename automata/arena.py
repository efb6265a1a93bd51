"""One arena of the kernels from Python's side: records written once, shared by every grammar that needs the same."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from copy import copy
from functools import reduce
from itertools import accumulate, chain, count
from operator import xor
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from weakref import ref

import numpy as np
import numpy.typing as npt

from detent.grammar.dfa import CharDfa, counting, lengths, word_counts
from detent.grammar.judged import JudgedDfa
from detent.grammar.number import NumberSpec
from detent.grammar.number_list import NumberList
from detent.native import arena as layout
from detent.native import automaton, languages, objects, positions, sets, states, trie
from detent.native.jit import direct
from detent.native.memory import make_resident

if TYPE_CHECKING:
    from .vocabulary import Vocabulary

Words = npt.NDArray[np.int32]
Table: TypeAlias = "Sequence[tuple[int, int, int]]"

_put, _put_object = direct(languages.heap_put), direct(objects.put_object)
_put_automaton = direct(automaton.put_automaton)
_position = direct(positions.position)
_kept_set = direct(sets.kept_set)
_trie_build, _trie_without = direct(languages.trie_build), direct(languages.trie_without)
_trie_with = direct(languages.trie_with)
_state_of = direct(states.state_of)
_restore, _soon_used = direct(layout.restore), direct(layout.soon_used)

_NO_RETURNS: Mapping[int, Sequence[tuple[int, int]]] = MappingProxyType({})
_REGIONS = np.array(layout.REGIONS)
_INT32 = np.dtype(np.int32)
_OFTEN = "aA0 -_"  # characters of which most sets that are counted have one
_ASCII = np.arange(128)
_SPECIAL = [*range(32), 34, 92]  # what a string cannot hold as it is


class ArenaFull(Exception):
    """A region is full: the caller starts a new arena."""


class Lowers(Protocol):
    """Whoever owns lazy records: writes one when a kernel first needs it."""

    def lower(self, number: int) -> None:
        """Write the record and publish its address."""


class Shared(Lowers, Protocol):
    """The same of records that belong to an arena."""

    def copied(self, arena: Arena) -> Shared:
        """What is as far with a copy of the arena."""


class Arena:
    """Memory of the kernels for one vocabulary.

    Parameters
    ----------
    vocabulary : Vocabulary
    n_bytes : int
        Bound on the memory that is ever touched, scratch aside.
    """

    def __init__(self, vocabulary: Vocabulary, n_bytes: int) -> None:
        self.V: Words = vocabulary.packed
        self.n_tokens = len(vocabulary)
        self.A: Words = layout.allocate(n_bytes, self.n_tokens)
        self.goals: dict[Hashable, int] = {}  # numbers of rules that grammars share
        self.shared: dict[Hashable, Shared] = {}  # who writes the records that JSON documents share
        self._owners: dict[int, ref[Lowers]] = {}
        self._tokens: dict[int, bytes] = {}
        self._texts: dict[bytes, int] = {}
        self._numbers: dict[NumberSpec | NumberList, tuple[int, tuple[int, ...]]] = {}
        self._specs: dict[tuple[int, int, int, int], int] = {}
        self._dfas: dict[bytes, int] = {}
        self._tries: dict[tuple[str, ...], int] = {}
        self._text_tries: dict[tuple[int, int], tuple[tuple[str, ...], int]] = {}  # by number and hash, in no order
        self._counts: dict[int, bool] = {}  # of their words
        self._raw: dict[tuple[bytes, bytes], int] = {}
        self._loops: dict[tuple[bytes, bool], int] = {}
        self._lazy = count(1)  # taken by several threads
        self._lazy_at, self._most_lazy = int(self.A[layout.LAZY]), int(self.A[layout.LAZY + 1])
        eos = np.array(vocabulary.eos_ids, dtype=np.int32)
        self.A[layout.EOS], self.A[layout.N_EOS] = self.put(eos), len(eos)
        base = self.position(positions.K_BASE)
        assert states.state_of(self.A, base, 0) == states.BASE_STATE
        self.A[layout.SPACE_LOOP] = self.loop(b" \n\r\t")
        free = [*(set(range(128)) - set(_SPECIAL)), *range(0xC2, 0xF5)]
        self.A[layout.FREE_LOOP] = self.loop(free)
        self.A[layout.DOT_LOOP] = self.loop(byte for byte in free if byte != languages.NOT_DOT)

    def put(self, values: Sequence[int] | Words) -> int:
        """Copy words to the heap and return their address."""
        at = int(_put(self.A, np.ascontiguousarray(values, dtype=np.int32)))
        if at < 0:
            self.full()
        return at

    def put_object(self, number: int, record: Sequence[int], names: tuple[str, ...]) -> int:
        """Write the record of an object under its number, and return the position before the object.

        Parameters
        ----------
        number : int
        record : sequence of int
            As :func:`detent.native.objects.put_object` takes it, without the trie of names.
        names : tuple of str
            Those of the object, in ascending order.
        """
        said, trie = array("i", record), self._tries.get(names)
        if trie is None:
            said += _spelled(names)
        else:
            said[positions.O_TRIE] = trie
        position = int(_put_object(self.A, np.frombuffer(said, _INT32), number))
        if position == 0:
            self.full()
        self._owners.pop(number, None)
        if trie is None:
            self._tries[names] = said[positions.O_TRIE]
        return position

    def fullness(self) -> float:
        """How much of its fullest region is taken."""
        return float(np.max(self.A[_REGIONS + 2] / self.A[_REGIONS + 1]))

    def look_ahead(self) -> None:
        """Have what is used soon made resident, if it is not: by another thread, for which nobody waits."""
        runs = np.empty(2 * len(_REGIONS), np.int32)
        n = int(_soon_used(self.A, runs))
        if n:
            make_resident(self.A, runs, n)

    def full(self) -> None:
        """Give up on this arena."""
        self.A[layout.STATUS] = 0
        raise ArenaFull

    def token_bytes(self, token: int) -> bytes:
        """The bytes of a token."""
        found = self._tokens.get(token)
        if found is None:
            at, base = int(self.V[trie.V_TOKOFF]) + token, int(self.V[trie.V_TOKBYTES])
            found = self.V[base + int(self.V[at]) : base + int(self.V[at + 1])].astype(np.uint8).tobytes()
            self._tokens[token] = found
        return found

    def position(self, kind: int, *fields: int) -> int:
        """Number of a position."""
        padded = (*fields, 0, 0, 0, 0, 0, 0, 0)[:7]
        number = int(_position(self.A, kind, *padded))
        if number == 0:
            self.full()
        return number

    def state(self, position: int, parent: int) -> int:
        """Number of the closed state of one item."""
        number = int(_state_of(self.A, position, parent))
        if number <= 0:
            self.full()
        return number

    # ------------------------------------------------------------------------------------------------ lazy records
    def reserve(self, owner: ref[Lowers]) -> int:
        """A number for a record that ``owner`` will write when it is first needed."""
        number = self.take()
        self._owners[number] = owner
        return number

    def publish(self, number: int, at: int) -> None:
        """Make a lazy record visible to the kernels."""
        self.A[self._lazy_at + number] = at
        self._owners.pop(number, None)

    def take(self) -> int:
        """A number for a record that is written at once."""
        number = next(self._lazy)
        if number >= self._most_lazy:
            self.full()
        return number

    def place(self, at: int) -> int:
        """A number for a record that is written already."""
        number = self.take()
        self.A[self._lazy_at + number] = at
        return number

    def settle(self) -> None:
        """Reckon the numbers given so far as taken, as a snapshot must know; while nobody else knows the arena."""
        number = next(self._lazy)
        self.A[layout.LAZY + 2], self._lazy = number, count(number)

    def resolve(self, reason: int) -> None:
        """Do what a kernel asked for when it gave up (see :func:`detent.native.masks.why`)."""
        if reason < 0:
            self.full()
        owner = self._owners.get(reason)
        if owner is None:  # another thread was quicker
            return
        lowering = owner()
        assert lowering is not None, "a matcher keeps its grammar alive"
        lowering.lower(reason)

    # ---------------------------------------------------------------------------------------------- shared records
    def text(self, text: str) -> int:
        """Address of fixed bytes, ended by -1."""
        data = text.encode()
        if data not in self._texts:
            self._texts[data] = self.put([*data, -1])
        return self._texts[data]

    def number(self, spec: NumberSpec | NumberList) -> tuple[int, tuple[int, ...]]:
        """Address of a number specification and its four start fields."""
        found = self._numbers.get(spec)
        if found is None:
            from detent.native.number import num_start

            at = self.put(spec.encode())
            found = self._numbers[spec] = at, tuple(map(int, num_start(self.A, at)))
        return found

    def spec(self, kind: int, shortest: int, longest: int | None, record: int) -> int:
        """Address of a string specification."""
        most = -1 if longest is None else longest
        key = (kind, shortest, most, record)
        found = self._specs.get(key)
        if found is None:
            inside = 0 if kind == languages.WORDS_OF_TRIE else record
            free = self.spec(kind, 0, None, inside) if shortest or most >= 0 or record != inside else 0
            is_plain = kind == languages.AUTOMATON and free and not self.A[record + languages.DFA_VERDICTS]
            rest = self.any_text(shortest, longest) if is_plain else 0
            found = self.put([kind, shortest, most, record, free, rest])
            if free == 0:
                self.A[found + languages.SPEC_FREE] = found
            self._specs[key] = found
        return found

    def loop(self, first_bytes: Iterable[int]) -> int:
        """Address of a loop set: the first bytes of its characters."""
        bits = np.zeros(256, dtype=bool)
        bits[list(first_bytes)] = True
        return self._packed_loop(np.packbits(bits, bitorder="little").tobytes())

    def _packed_loop(self, packed: bytes, *, is_cut: bool = False) -> int:
        key = packed, is_cut
        if key not in self._loops:
            at = self.put([*np.frombuffer(packed, np.int32), is_cut])  # in scratch, other threads could write over it
            found = int(_kept_set(self.A, at, languages.LOOP_RECORD))
            if found < 0:
                self.full()
            self._loops[key] = found
        return self._loops[key]

    def text_spec(
        self,
        dfa: CharDfa,
        loops: npt.NDArray[np.bool_],
        calls: Table = (),
        height: int = 0,
        *,
        exits: Sequence[Sequence[int]] = (),
        returns: Mapping[int, Sequence[tuple[int, int]]] = _NO_RETURNS,
    ) -> int:
        """Address of the specification of raw text under an automaton that may call.

        Parameters
        ----------
        dfa : CharDfa
        loops : (n_states, 256) bool
            Of each state, what it may skip: see :func:`detent.native.tables.text_loop`.
        calls : sequence of (int, int, int)
            In the order of states: state, goal, state behind the call or ``TAIL``.
        height : int
            See :mod:`detent.native.calls`.
        exits : sequence of sequences of int
            Of each state, the exits by which the rule may end there; empty for a rule that just ends.
        returns : mapping
            Of states behind calls: exits of the rule that was called, with the state behind each.
        """
        key = dfa.key, loops.tobytes()
        is_rule = bool(calls or exits)
        if not is_rule and key in self._raw:
            return self._raw[key]
        packed = np.packbits(loops, axis=1, bitorder="little")
        found = [self._packed_loop(row.tobytes()) if row.any() else 0 for row in packed]
        n, table = dfa.n_states, 0
        if is_rule:
            table = self._calls(dfa, calls, height, exits, returns)
            self.A[layout.RULES] = 1
        record = self._put_automaton(dfa, np.zeros(n, np.int32), np.full(n, -1, np.int32), loops=found, calls=table)
        spec = self.spec(languages.AUTOMATON, 0, None, record)
        if not is_rule:
            self._raw[key] = spec
        return spec

    def _calls(
        self,
        dfa: CharDfa,
        calls: Table,
        height: int,
        exits: Sequence[Sequence[int]],
        returns: Mapping[int, Sequence[tuple[int, int]]],
    ) -> int:
        """Address of a table of calls."""
        states, n = [state for state, _, _ in calls], dfa.n_states
        reads = [int(row.any()) for row in dfa.trans >= 0]
        entries = [word for _, goal, to in calls for word in (goal, to)]
        at = languages.CALLS_FIRST + n + 1
        first = [at + 2 * bisect_left(states, state) for state in range(n + 1)]
        leaving = self._lists(exits) if exits else 0
        coming = self._lists([[*chain.from_iterable(returns.get(state, ()))] for state in range(n)]) if returns else 0
        table = self.put([height, leaving, coming, at + 2 * len(calls), *first, *entries, *reads])
        self.A[table + languages.CALLS_READS : table + at] += table
        return table

    def _lists(self, lists: Sequence[Sequence[int]]) -> int:
        """Address of an array of addresses, each of a list behind its length; 0 for an empty one."""
        known: dict[tuple[int, ...], int] = {(): 0}
        for words in map(tuple, lists):
            if words not in known:
                known[words] = self.put([len(words), *words])
        return self.put([known[tuple(words)] for words in lists])

    def _counts_of(self, dfa: CharDfa, colours: npt.ArrayLike) -> int:
        """Address of the cut loop set of each state that only counts ASCII characters; 0 where no state does."""
        run, far = counting(dfa, colours, _OFTEN, languages.CUT)
        if not far.any():
            return 0
        beyond = dfa.cls[max(0, int(np.searchsorted(dfa.starts, 128, side="right")) - 1) :]
        states = np.flatnonzero((far >= languages.CUT) & ~run[:, [*set(beyond.tolist())]].any(axis=1))
        bits = np.zeros((len(states), 256), dtype=bool)
        bits[:, :128] = run[states][:, dfa.cls[dfa.starts.searchsorted(_ASCII, side="right") - 1]]
        bits[:, _SPECIAL] = False
        loops = np.zeros(dfa.n_states, dtype=np.int64)
        for state, row in zip(states.tolist(), np.packbits(bits, axis=1, bitorder="little"), strict=True):
            loops[state] = self._packed_loop(row.tobytes(), is_cut=True) if row.any() else 0
        return self.put(loops.astype(np.int32)) if loops.any() else 0

    def any_text(self, shortest: int = 0, longest: int | None = None) -> int:
        """Address of the specification of free text."""
        return self.spec(languages.ANY, shortest, longest, 0)

    def string(self, dfa: CharDfa, shortest: int, longest: int | None) -> int:
        """Address of the specification of a string under an automaton; characters that this only counts are counted."""
        if not isinstance(dfa, JudgedDfa) and dfa.repeated is not None:
            dfa, least, most = dfa.repeated
            shortest = max(shortest, least)
            longest = min((bound for bound in (longest, most) if bound is not None), default=None)
            if dfa.trans.shape[1] == 1:
                return self.any_text(shortest, longest)
        return self.spec(languages.AUTOMATON, shortest, longest, self.dfa(dfa))

    def dfa(self, dfa: CharDfa, goals: Sequence[int] | None = None) -> int:
        """Address of an automaton; ``goals`` (the goal of each state, -1 none) makes it an automaton over names."""
        if goals is None and dfa.key in self._dfas:
            return self._dfas[dfa.key]
        shortest, longest, _ = lengths(dfa)
        verdicts = self.put(dfa.verdicts.ravel()) if isinstance(dfa, JudgedDfa) else 0
        counts = text = 0
        if dfa.n_states > languages.CUT and not verdicts:
            counts = self._counts_of(dfa, goals or dfa.accept)
        if goals is not None and not verdicts and len({*goals} - {-1}) == 1 and dfa.repeated is not None:
            text = self.string(dfa, 0, None)
        at = self._put_automaton(dfa, shortest, longest, goals=goals or (), verdicts=verdicts, counts=counts, text=text)
        if goals is None:
            self._dfas[dfa.key] = at
        return at

    def _put_automaton(
        self,
        dfa: CharDfa,
        shortest: Words,
        longest: Words,
        *,
        loops: Sequence[int] = (),
        goals: Sequence[int] = (),
        verdicts: int = 0,
        calls: int = 0,
        counts: int = 0,
        text: int = 0,
    ) -> int:
        """Write an automaton: see :mod:`detent.native.automaton`."""
        sizes = dfa.n_states, dfa.trans.shape[1], len(dfa.starts), len(goals), len(loops)
        parts: list[Any] = [
            sizes,
            (verdicts, calls, counts, text),
            dfa.starts,
            dfa.cls,
            dfa.trans.ravel(),
            dfa.accept,
            shortest,
            longest,
        ]
        if goals:
            parts += [goals, word_counts(dfa)]
        parts.append(loops)
        at = int(_put_automaton(self.A, np.concatenate(parts, dtype=np.int32, casting="unsafe")))
        if at < 0:
            self.full()
        return at

    def trie(self, words: tuple[str, ...]) -> int:
        """Root of a trie of distinct words in ascending order; leaf numbers are positions in that order."""
        root = self._tries.get(words)
        if root is None:
            root = int(_trie_build(self.A, np.frombuffer(_spelled(words), _INT32), 0, len(words)))
            if root < 0:
                self.full()
            self._tries[words] = root
        return root

    def trie_without(self, root: int, word: str) -> int:
        """Root of a trie without one of its words, which shares with it what lies beside that word."""
        return self._changed(_trie_without, root, word)

    def _changed(self, change: Callable[..., int], root: int, word: str) -> int:
        """Root of what a kernel makes of a trie and a word."""
        found = int(change(self.A, root, np.frombuffer(word.encode(), np.uint8).astype(np.int32)))
        if found < 0:
            self.full()
        return found

    def trie_of_texts(self, words: tuple[str, ...]) -> int:
        """Root of a trie of distinct words in ascending order, whose leaf numbers say nothing.

        An array whose items differ tells one text more from others with every item. So a trie that is known but for one
        word takes that one in and shares the rest: O(words) to find it, and memory for that word only.
        """
        total = reduce(xor, map(hash, words))
        known = self._text_tries.get((len(words), total))
        if known is None or known[0] != words:
            known = self._text_tries[len(words), total] = words, self._grown(words, total)
            self._counts[len(words)] = True
        return known[1]

    def _grown(self, words: tuple[str, ...], total: int) -> int:
        for k, word in enumerate(words if len(words) - 1 in self._counts else ()):
            before = self._text_tries.get((len(words) - 1, total ^ hash(word)))
            if before is not None and before[0] == words[:k] + words[k + 1 :]:
                return self._changed(_trie_with, before[1], word)
        return self.trie(words)


class Beginning:
    """What an arena holds before its first grammar: others of the same size begin with a copy of it.

    To write all of it again takes milliseconds of Python, for which masks in other threads would wait. A copy is a few
    small tables, and one kernel off the interpreter lock, in which pages are touched for the first time. Thread-safe:
    nothing of it is written again.

    Parameters
    ----------
    arena : Arena
        One that nobody else knows yet, of which every record is written, and that is settled.
    n_bytes : int
        Its bound.
    memory : dict of str to numpy.ndarray
        Its :func:`detent.native.arena.snapshot`.
    """

    def __init__(self, arena: Arena, n_bytes: int, memory: Mapping[str, Words]) -> None:
        assert not arena._owners, "who writes a record knows one arena"
        self._n_bytes, self._n_tokens = n_bytes, arena.n_tokens
        self._memory = [memory[part] for part in ("runs", "words", "slots", "values")]
        self._lazy = int(arena.A[layout.LAZY + 2])
        self._tables = _copied(arena, np.empty(0, np.int32), self._lazy)

    def arena(self) -> Arena:
        """Make a new arena."""
        A = layout.allocate(self._n_bytes, self._n_tokens)
        _restore(A, *self._memory)
        return _copied(self._tables, A, self._lazy)


def _copied(arena: Arena, A: Words, lazy: int) -> Arena:
    """The tables of an arena beside other memory."""
    other = copy(arena)
    vars(other).update({name: table.copy() for name, table in vars(arena).items() if isinstance(table, dict)})
    other.A, other._lazy = A, count(lazy)
    other.shared = {key: records.copied(other) for key, records in arena.shared.items()}
    return other


def _spelled(words: tuple[str, ...]) -> array[int]:
    """Words as :func:`detent.native.languages.trie_build` takes them."""
    text = "".join(words)
    said = array("i", accumulate(map(len, words if text.isascii() else map(str.encode, words))))
    data = text.encode()
    said.frombytes(data + bytes(-len(data) % 4))
    return said


def used(arena: Arena) -> dict[str, Any]:
    """Bytes in use per region, for reports."""
    names = {layout.POS: "positions", layout.STATE: "states", layout.ROW: "memo rows", layout.PAIR: "pairs"}
    names |= {layout.DENSE: "mask rows", layout.LIST: "lists", layout.RECIPE: "recipes", layout.HEAP: "records"}
    return {name: 4 * int(arena.A[region + 2]) for region, name in names.items()}


__all__ = ["Arena", "ArenaFull", "Beginning", "Lowers", "used"]
