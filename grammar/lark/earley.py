"""Grammars for Lark's Earley parser as rules over characters.

The dynamic lexers match each terminal where the parser expects it, whatever other terminals there are. With ``dynamic``
a token is what `re` matches in the whole text, so where it ends depends on what follows: the terminals are read from
situation to situation (:mod:`.scanner`), and a rule of the result is a rule of the grammar from one situation on, with
an exit for each situation in which it may end and something can follow. With
``dynamic_complete`` a token may also end where the match in a beginning of it would (:mod:`.endings`), and with
``basic`` the tokens are those of the one lexer that reads the text beforehand. Ignored tokens may stand before every
token, and behind the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ..errors import LimitExceeded
from ..regular import EMPTY, EPSILON, Alt, Regular, Seq, alt, repeat, seq
from ..rules import Language, Rules, back, call, leave, rest
from .complete import CompleteScanner
from .flat import FlatGrammar
from .followers import followers, nullable
from .scanner import Exits, Program, Scanner, Situations
from .tables import LexerTables

Exiting: TypeAlias = "tuple[int, ...]"  # situations in which a rule may end


def convert(
    grammar: FlatGrammar,
    tables: LexerTables,
    numbers: Mapping[str, int],
    lexer: str,
    islands: Mapping[str, Regular],
    max_states: int,
    max_rules: int,
) -> Rules:
    """The rules over characters with the language that Lark's Earley parser accepts.

    Parameters
    ----------
    grammar : FlatGrammar
    tables : LexerTables
        Their only context holds all terminals.
    numbers : mapping
        Numbers of the terminals.
    lexer : str
        "dynamic", "dynamic_complete" or "basic".
    islands : mapping
        What declared terminals stand for. Before an island the text ends, as far as its tokens can see; behind it,
        another one begins.
    max_states, max_rules : int
        LimitExceeded is raised beyond.
    """
    terminals = Terminals(grammar, tables, numbers, lexer, islands, max_states)
    return _Converter(grammar, terminals, max_rules).rules()


class Terminals:
    """Reads the terminals of a grammar from situations."""

    def __init__(
        self,
        grammar: FlatGrammar,
        tables: LexerTables,
        numbers: Mapping[str, int],
        lexer: str,
        islands: Mapping[str, Regular],
        max_states: int,
    ) -> None:
        self.situations = Situations(tables, max_states)
        self._numbers, self._islands = numbers, islands
        self._tokens: dict[str, Scanner] = {}
        self._droppers: dict[str, Scanner] = {}
        real = [terminal.name for terminal in grammar.terminals if terminal.text is not None]
        self._dropped = dict.fromkeys(real, False)
        self._begins = {name: self.situations.begins(numbers[name]) for name in real}
        self._ignored = dict.fromkeys(grammar.ignored)
        self._followers = followers(grammar)
        if lexer == "basic":
            ends = zip(tables.retype_first[:-1], tables.retype_first[1:], strict=True)
            strings = tuple(tuple(tables.retype[a:b].tolist()) for a, b in ends)
            whole = Scanner(self.situations, Program(tuple(tables.order.tolist()), strings))
            self._tokens, self._droppers = dict.fromkeys(real, whole), dict.fromkeys(grammar.ignored, whole)
            return
        for name in real:
            self._dropped[name] = bool(tables.ignored[numbers[name]])
            program = Program((numbers[name],), ((),))
            self._tokens[name] = self._droppers[name] = Scanner(self.situations, program)
            if lexer == "dynamic_complete":
                self._tokens[name] = CompleteScanner(self.situations, program)

    def token(self, name: str, situation: int) -> Exits:
        """Where one token leads."""
        if name in self._islands:
            return {0: self._islands[name]} if self.situations.ends(situation) else {}
        if name not in self._tokens:
            return {}
        exits = self._tokens[name].exits(situation).get((self._numbers[name], self._dropped[name]), {})
        return self._settled(exits, {*self._ignored, *self._followers[name]})

    def dropped(self, situation: int) -> Exits:
        """Where one ignored token leads."""
        found: Exits = {}
        for name, scanner in self._droppers.items():
            if self.situations.tables.ignored[self._numbers[name]]:
                exits = scanner.exits(situation).get((self._numbers[name], True), {})
                more = {*self._ignored, *self._followers}
                if len(exits) == 1 and _is_run(next(iter(exits.values()))):
                    more.discard(name)  # a run of characters may be cut anywhere, if all of it is dropped
                for to, texts in self._settled(exits, more).items():
                    found[to] = alt(found.get(to, EMPTY), texts)
        return found

    def _settled(self, exits: Exits, next_to: set[str]) -> Exits:
        """Exits without obligations that the terminals that can come next meet anyway."""
        begins = set().union(*(self._begins[name] for name in next_to if name in self._begins))
        found: Exits = {}
        for to, texts in exits.items():
            end = self.situations.free(to) if self.situations.is_met(to, begins) else to
            found[end] = alt(found.get(end, EMPTY), texts)
        return found


def _is_run(texts: Regular) -> bool:
    """Whether these are all texts of one or more characters of a set."""
    if not isinstance(texts, Language) or texts.dfa.n_states != 2:
        return False
    trans = texts.dfa.trans
    return bool((trans[0] == trans[1]).all() and (trans < 0).sum() + (trans == 1).sum() == trans.size)


class _Converter:
    """Rules between situations, as they are needed."""

    def __init__(self, grammar: FlatGrammar, terminals: Terminals, max_rules: int) -> None:
        self._grammar, self._terminals, self._max_rules = grammar, terminals, max_rules
        self._of: dict[str, list[int]] = {}
        for number, rule in enumerate(grammar.rules):
            self._of.setdefault(rule.left, []).append(number)
        self._bodies: dict[str, Regular] = {}
        self._tokens: dict[tuple[str, int], Exits] = {}
        self._skipped: dict[int, Exits] = {}
        self._ends: dict[tuple[str, int], dict[int, None]] = {}
        self._waiting: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
        self._rest_of: dict[tuple[int, int, int, Exiting], Regular] = {}
        self._asked: list[tuple[str, int, Exiting]] = []
        self._named: set[str] = set()
        self._nullable = nullable(grammar)

    def rules(self) -> Rules:
        """The grammar."""
        start = self._grammar.start
        self._explore(start)
        ways = {end: self._skip(end) for end in self._ends[start, 0]}
        whole = {
            end: alt(*(texts for to, texts in ways[end].items() if self._terminals.situations.ends(to))) for end in ways
        }
        self._put("", self._called(start, 0, whole))
        while self._asked:
            name, situation, exits = self._asked.pop()
            ways_of = [self._rest(rule, 0, situation, exits) for rule in self._of[name]]
            self._put(_name(name, situation, exits), alt(*ways_of))
        return Rules(self._bodies, "")

    def _called(self, name: str, situation: int, behind: Mapping[int, Regular]) -> Regular:
        """The texts of a rule from a situation on, and what is read behind it in the situations where it may end."""
        behind = {end: texts for end, texts in behind.items() if texts is not EMPTY}
        if not behind:
            return EMPTY
        exits = tuple(sorted(behind))
        rule = _name(name, situation, exits)
        if rule not in self._named:
            self._named.add(rule)
            self._asked.append((name, situation, exits))
        if len(exits) == 1:
            return seq(call(rule), behind[exits[0]])
        texts = seq(call(rule), alt(*(seq(back(end + 1), behind[end]) for end in exits)))
        return alt(texts, behind[situation]) if name in self._nullable and situation in behind else texts

    def _put(self, name: str, body: Regular) -> None:
        self._bodies[name] = body
        if len(self._bodies) > self._max_rules:
            raise LimitExceeded("max_nodes", len(self._bodies), self._max_rules)

    def _explore(self, start: str) -> None:
        """Find in which situations each rule can end that is begun in one."""
        pending: list[tuple[int, int, int, int]] = []  # rule, where it began, place, where it is
        seen: set[tuple[int, int, int, int]] = set()

        def begin(name: str, situation: int) -> None:
            if (name, situation) not in self._ends:
                self._ends[name, situation] = {}
                self._waiting[name, situation] = []
                pending.extend((rule, situation, 0, situation) for rule in self._of[name])

        begin(start, 0)
        while pending:
            item = pending.pop()
            if item in seen:
                continue
            seen.add(item)
            if len(seen) > 100 * self._max_rules:
                raise LimitExceeded("max_nodes", len(seen) // 100, self._max_rules)
            rule, origin, place, situation = item
            right, left = self._grammar.rules[rule].right, self._grammar.rules[rule].left
            if place == len(right):
                if situation not in self._ends[left, origin]:
                    self._ends[left, origin][situation] = None
                    pending.extend((r, o, p + 1, situation) for r, o, p in self._waiting[left, origin])
            elif right[place] in self._of:
                name = right[place]
                begin(name, situation)
                self._waiting[name, situation].append((rule, origin, place))
                pending.extend((rule, origin, place + 1, end) for end in self._ends[name, situation])
            else:
                pending.extend((rule, origin, place + 1, end) for end in self._token(right[place], situation))

    def _rest(self, rule: int, place: int, situation: int, exits: Exiting) -> Regular:
        """The texts of the rest of a rule from a situation to any of some others, its exits if there are several."""
        key = rule, place, situation, exits
        found = self._rest_of.get(key)
        if found is not None:
            return found
        right = self._grammar.rules[rule].right
        if place == len(right):
            end = leave(situation + 1) if len(exits) > 1 else EPSILON
            found = end if situation in exits else EMPTY
        elif right[place] in self._of:
            name = right[place]
            behind = {end: self._rest(rule, place + 1, end, exits) for end in self._ends[name, situation]}
            found = self._called(name, situation, behind)
        else:
            ways = self._token(right[place], situation)
            found = alt(*(seq(texts, self._rest(rule, place + 1, to, exits)) for to, texts in ways.items()))
        if place and isinstance(found.parts[-1] if isinstance(found, Seq) else found, Alt):
            name = f"{rule}.{place}{_name('', situation, exits)}"
            self._put(name, found)
            found = rest(name)
        self._rest_of[key] = found
        return found

    def _token(self, name: str, situation: int) -> Exits:
        """Where a token leads, with ignored ones before it."""
        found = self._tokens.get((name, situation))
        if found is None:
            ways: dict[int, list[Regular]] = {}
            for between, skipped in self._skip(situation).items():
                for to, texts in self._terminals.token(name, between).items():
                    ways.setdefault(to, []).append(seq(skipped, texts))
            found = self._tokens[name, situation] = {to: alt(*texts) for to, texts in ways.items()}
        return found

    def _skip(self, situation: int) -> Exits:
        """Where ignored tokens lead, any number of them."""
        found = self._skipped.get(situation)
        if found is not None:
            return found
        steps: dict[int, Exits] = {}
        pending = [situation]
        while pending:
            at = pending.pop()
            if at not in steps:
                steps[at] = self._terminals.dropped(at)
                pending += steps[at]
        if list(steps) == [situation]:
            found = {situation: repeat(alt(*steps[situation].values()), 0, None)}
            self._skipped[situation] = found
            return found
        found = {}
        for end in steps:
            for at, ways in steps.items():
                more = [seq(texts, call(f"{to}~{end}")) for to, texts in ways.items()]
                self._put(f"{at}~{end}", alt(*more, EPSILON if at == end else EMPTY))
            found[end] = call(f"{situation}~{end}") if len(steps) > 1 or steps[end] else EPSILON
        self._skipped[situation] = found
        return found


def _name(name: str, situation: int, exits: Exiting) -> str:
    return f"{name}|{situation}|{'.'.join(map(str, exits))}"
