"""Islands that begin as a longer token goes on: whether a text can be stuck in one of them.

When the longer token matches, the island was none, and if the parser has no use for it, the text is stuck. So whatever
has been read of an island, there must be a way on: inside it, until the carry is plain; or behind it, if all can come
there that can come behind a plain carry; or the token before goes on, and the parser has a use for that; or what was
read is ignored text as well. Where no way is known, the grammar is refused. So it is where what is left over from
before an island could still match behind the next token, because carries behind an island are plain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeAlias, TypeVar

import numpy as np

from detent.grammar.errors import GrammarError
from detent.grammar.lark.tables import ACCEPT, END, LexedGrammar
from detent.native.lexer import DROPPED

from .lexed_islands import LexedIsland
from .lexing import BROKEN, Letter, Lexing
from .liveness import Liveness
from .openings import PLAIN, Openings, Pair
from .sentences import Hints

Node = TypeVar("Node", bound=Hashable)
Place: TypeAlias = "tuple[int, int]"  # a state of the parser that a token leads to, and the carry behind that
Origin: TypeAlias = "tuple[int, int, int]"  # a context and a carry, and the tag of the token that was read there
# where a token has ended: the carry now, the lexer if the token goes on, and if another one has begun, and the islands
# that have begun, with their states
Config: TypeAlias = "tuple[int, int, int, frozenset[tuple[int, int]]]"
NEVER = -1


class Check:
    """The check of one grammar.

    Parameters
    ----------
    lexing : Lexing
    openings : Openings
    content : LexedIsland
    grammar : LexedGrammar
        Its grammar, without what no text can complete.
    hints : Hints
    liveness : Liveness or None
        None: every stack is alive, whatever is carried.
    plain_lives : bool
        Whether every stack is alive with a plain carry.
    """

    def __init__(
        self,
        lexing: Lexing,
        openings: Openings,
        content: LexedIsland,
        grammar: LexedGrammar,
        hints: Hints,
        liveness: Liveness | None,
        *,
        plain_lives: bool,
    ) -> None:
        self._lexing, self._openings, self._texts = lexing, openings, openings.texts
        self._content, self._grammar, self._owner = content, grammar, hints.owner
        self._liveness, self._plain_lives = liveness, plain_lives
        self._action, self._context = grammar.parser.action, grammar.parser.context.tolist()
        self._shifts: dict[tuple[int, int], list[int]] = {}

    def run(self) -> None:
        """Refuse islands in which a text may be stuck.

        Raises
        ------
        GrammarError
        LimitExceeded
            More had to be looked at.
        """
        for (state, carry), origins in self._places().items():
            islands = [number for number in self._content.islands if carry < 0 and self._action[state, number]]
            saved = {number: self._saved(number, state, carry) for number in islands}
            for number in islands:
                if (0, carry) not in saved[number] and self._may_open(number, carry):
                    raise self._error(state, number, carry)
            for origin in origins if islands else ():
                for longer in self._longer(*origin, carry):
                    self._walk((state, carry), origin, longer, saved)

    def _places(self) -> dict[Place, set[Origin]]:
        """The places behind tokens, and where these were read."""
        found: dict[Place, set[Origin]] = {(0, 0): set()}
        pending = [(0, 0)]
        for state, carry in pending:
            letters = set(self._lexing.tokens(self._context[state], carry))
            for number in self._content.numbers():
                letters.add((number, 0))
                if carry < 0 and number in self._content.islands and self._action[state, number]:
                    letters.update((number, after) for after in self._openings.ends(number, carry))
            self._lexing.spend(len(letters))
            for tag, after in letters:
                for to in [state] if tag == DROPPED else self._behind_tag(state, tag):
                    if (to, after) not in found:
                        found[to, after] = set()
                        if self._liveness is None or not self._liveness.is_hopeless(to, after):
                            pending.append((to, after))
                    found[to, after].add((self._context[state], carry, tag))
        return {place: found[place] for place in pending}

    def _behind_tag(self, state: int, tag: int) -> list[int]:
        """The states that a terminal can lead to, behind a token that led to a state."""
        found = self._shifts.get((state, tag))
        if found is None:
            parser, above = self._grammar.parser, [state]
            for top in above:
                action = int(self._action[top, tag])
                behind = parser.goto[:, parser.rule_left[-1 - action]].tolist() if action < ACCEPT else ()
                above += sorted(set(behind).difference(above, [-1]))
            found = [action - 1 for action in set(self._action[above, tag].tolist()) if action > 0]
            self._shifts[state, tag] = found
        return found

    def _may_open(self, number: int, carry: int) -> bool:
        """Whether some text of an island may come, as far as is known."""
        return self._openings.can_open(number, carry) or (
            not self._texts.is_known(number) and len(self._openings.read(number, carry)) > 1
        )

    def _longer(self, context: int, before: int, tag: int, carry: int) -> set[int]:
        """The states in which a token has ended with which all that is carried began; ``NEVER`` if more is carried."""
        lexing = self._lexing
        ended = [q for q in lexing.behind(lexing.begin(context, before)) if (tag, carry) in lexing.endings(q)]
        return {q if lexing.carry_of(q) >= 0 else NEVER for q in ended} or {NEVER}

    def _saved(self, number: int, state: int, carry: int) -> set[Pair]:
        """The pairs of an island behind a token, with its carry, from which it is known to have a way on."""
        pairs, then = self._openings.read(number, carry), self._behind_tag(state, number)
        users: dict[Pair, list[Pair]] = defaultdict(list)
        for pair, behind in pairs.items():
            for to in behind:
                users[to].append(pair)
        good = {
            after for after in self._openings.ends(number, carry) if all(self._is_as_good(to, after) for to in then)
        }
        ends = [pair for pair in pairs if pair[1] in good and self._texts.may_end(number, pair[0])]
        return _closed([PLAIN, *ends], users)

    def _walk(self, place: Place, origin: Origin, longer: int, saved: dict[int, set[Pair]]) -> None:
        """Look at all that can be read of islands behind a token while its carry is not plain."""
        (state, carry), lexing = place, self._lexing
        begin = lexing.begin(self._context[state], carry)
        pending: list[Config] = [(carry, longer, begin, frozenset((number, 0) for number in saved))]
        found = set(pending)
        for carry, longer, begin, inside in pending:
            lexing.spend(len(self._texts.letters))
            for letter in self._texts.letters:
                to = frozenset((t, at) for t, q in inside if (at := self._texts.after(t, q, letter)) >= 0)
                after = lexing.carried(carry, letter[0]) if to else 0
                if 0 <= after < BROKEN or (after == BROKEN and not letter[1]):
                    continue
                there = after, lexing.step(longer, letter[0]), lexing.step(begin, letter[0]), to
                if there not in found:
                    if not self._lives(there, place, origin, saved):
                        raise self._error(state, min(to)[0], place[1])
                    found.add(there)
                    pending += [there] if after != BROKEN else []

    def _lives(self, config: Config, place: Place, origin: Origin, saved: dict[int, set[Pair]]) -> bool:
        """Whether there is a way on, whatever is below."""
        (carry, longer, begin, inside), texts, lexing = config, self._texts, self._lexing
        then = {to for t, at in inside if texts.may_end(t, at) for to in self._behind_tag(place[0], t)}
        if carry != BROKEN and not all(self._is_harmless(to, carry) for to in then):
            return longer > 0 and all(self._goes_on(q, place[1], origin) for q in lexing.behind(longer))
        return (
            any((at, carry) in saved[t] for t, at in inside)
            or (longer > 0 and self._goes_on(longer, place[1], origin))
            or (begin > 0 and self._drops(place[0], begin, lexing.left_of(place[1])))
        )

    def _goes_on(self, q: int, carry: int, origin: Origin) -> bool:
        """Whether a token that goes on in a state can be one behind which a text can be finished as well."""
        context, before, tag = origin
        return any(
            self._is_plain(after, self._lexing.left_of(before))
            if longer == DROPPED != tag
            else self._replaces(context, (tag, carry), (longer, after))
            for longer, after in self._lexing.letters(q)
        )

    def _replaces(self, context: int, letter: Letter, other: Letter) -> bool:
        """Whether every parser that accepts a letter in a context accepts another one, and a text can be finished."""
        if letter == other or letter[0] == DROPPED:
            return letter == other
        action = self._action[np.array(self._context) == context]
        one, two = action[action[:, letter[0]] != 0][:, [letter[0], other[0]]].T
        if not np.array_equal(np.minimum(one, 1), np.minimum(two, 1)):
            return False
        if self._liveness is None or (self._plain_lives and other[1] >= 0):
            return True
        return self._liveness.is_as_good(context, letter, other)

    def _is_plain(self, carry: int, left: int) -> bool:
        """Whether a carry is plain, and what can come behind it is what can come behind that of a left state."""
        return carry == left or (self._plain_lives and carry >= 0)

    # -------------------------------------------------------------------------------------------- behind an island
    def _is_as_good(self, state: int, carry: int) -> bool:
        """Whether a carry that does no harm leaves a way on where a plain one does, ignored text in between or not."""
        begin = self._lexing.begin(self._context[state], carry)
        return self._leaves_all(state, carry) or self._drops(state, begin, 0)

    def _drops(self, state: int, q: int, left: int) -> bool:
        """Whether ignored text can be read behind which all can come that can come behind a left state."""
        return any(
            self._is_plain(after, left) or (left == 0 and self._leaves_all(state, after))
            for tag, after in self._lexing.letters(q)
            if tag == DROPPED
        )

    def _leaves_all(self, state: int, carry: int) -> bool:
        """Whether all that can come behind a plain carry can come behind another one; ignored text can be left out."""
        context, action = self._context[state], self._action[state]
        letters = self._lexing.tokens(context, carry).union([(DROPPED, 0), (DROPPED, carry)])
        return (
            all(x in letters for x in self._lexing.tokens(context, 0) if x[0] == DROPPED or action[x[0]])
            and all(self._openings.can_open(t, carry) for t in self._content.numbers() if action[t])
            and (not action[END] or self._lexing.may_stop(carry))
        )

    def _is_harmless(self, state: int, carry: int) -> bool:
        """Whether the next token comes to the same with a carry as with a plain one, as long as the carry lasts."""
        lexing = self._lexing
        pending = [(lexing.begin(self._context[state], carry), lexing.begin(self._context[state], 0))]
        found = set(pending)
        for here, plain in pending:
            for c, is_far in self._texts.classes:
                after = lexing.carried(lexing.carry_of(here), c)
                if after < 0 or (after == BROKEN and is_far):
                    pair = lexing.step(here, c), lexing.step(plain, c)
                    if pair[1] > 0 and (pair[0] < 0 or not self._has_all(state, carry, *map(lexing.letters, pair))):
                        return False
                    if pair[1] > 0 and pair not in found:
                        found.add(pair)
                        pending.append(pair)
        return True

    def _has_all(self, state: int, carry: int, letters: frozenset[Letter], plain: frozenset[Letter]) -> bool:
        """Whether all letters that the parser may use are among others; what is ignored may leave a carry as it is."""
        kept = letters | ({(DROPPED, 0)} if (DROPPED, carry) in letters else set())
        return all(letter in kept for letter in plain if letter[0] == DROPPED or self._action[state, letter[0]])

    def _error(self, state: int, number: int, carry: int) -> GrammarError:
        names = self._grammar.terminals
        entered = np.flatnonzero((self._action == state + 1).any(axis=0)).tolist()
        before = names[entered[0]] if entered else "ignored text"
        owners = [names[self._owner[pc]] for pc in self._lexing.left_over(carry) if pc >= 0]
        longer = min(owners, default="a lookahead")
        return GrammarError(
            f"the island {names[number]} cannot be told from a longer token: behind {before}, it "
            f"may begin as {longer} goes on, and the text may be stuck there.",
            keyword=names[number],
            hint="Write a terminal before the island that tells them apart.",
        )


def _closed(nodes: Iterable[Node], users: Mapping[Node, list[Node]]) -> set[Node]:
    """Nodes, and all that lead to them."""
    found, pending = set(nodes), list(nodes)
    for node in pending:
        new = [user for user in users.get(node, ()) if user not in found]
        found.update(new)
        pending += new
    return found


__all__ = ["Check"]
