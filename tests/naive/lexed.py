"""A slow, obvious recogniser over the tables of a lexed grammar: whole texts, by backtracking."""

from __future__ import annotations

from bisect import bisect_right

from detent.grammar.lark.tables import ACCEPT, ASSERT, CHARS, END, ERROR, FAILED, MATCH, SPLIT, LexedGrammar


class Lexer:
    """Finds tokens in one text."""

    def __init__(self, grammar: LexedGrammar, text: str) -> None:
        self.tables = grammar.lexer
        starts, cls = self.tables.starts.tolist(), self.tables.cls.tolist()
        self.classes = [cls[bisect_right(starts, ord(char)) - 1] for char in text]
        self.left = [0]
        for c in self.classes:
            self.left.append(int(self.tables.left_next[self.left[-1], c]))

    def holds(self, assertion: int, at: int) -> bool:
        """Whether an assertion holds at a place."""
        look = int(self.tables.look_enter[self.left[at], assertion])
        for c in self.classes[at:]:
            look = int(self.tables.look_next[look, c])
        assert self.tables.look_end[FAILED] == 0
        return bool(self.tables.look_end[look])

    def match(self, pc: int, at: int, *, to: int | None = None) -> int | None:
        """Where the first match of a program ends (`to`: the first that ends there), in the order of the threads."""
        stack, seen = [(pc, at)], set()
        while stack:
            thread = stack.pop()
            if thread in seen:
                continue
            seen.add(thread)
            pc, at = thread
            op, a, b = self.tables.code[pc].tolist()
            if op == CHARS and at < len(self.classes) and self.tables.sets[a, self.classes[at]]:
                stack.append((b, at + 1))
            elif op == SPLIT:
                stack += [(b, at), (a, at)]
            elif op == ASSERT and self.holds(a, at):
                stack.append((b, at))
            elif op == MATCH and to in (None, at):
                return at
        return None

    def token(self, context: int, at: int) -> tuple[int, bool, int] | None:
        """The token at a place: its tag, whether it is dropped, and where it ends."""
        tables = self.tables
        for i in range(tables.order_first[context], tables.order_first[context + 1]):
            terminal = int(tables.order[i])
            end = self.match(int(tables.entry[terminal]), at)
            if end is None:
                continue
            for string in tables.retype[tables.retype_first[i] : tables.retype_first[i + 1]].tolist():
                if not tables.ignored[terminal] and self.match(int(tables.entry[string]), at, to=end) is not None:
                    return string, False, end
            return terminal, bool(tables.ignored[terminal]), end
        return None


def accepts(grammar: LexedGrammar, text: str) -> bool:
    """Whether a text is a sentence."""
    lexer, parser = Lexer(grammar, text), grammar.parser
    stack, at = [0], 0
    while at < len(text):
        token = lexer.token(int(parser.context[stack[-1]]), at)
        if token is None:
            return False
        tag, dropped, at = token
        if not dropped and not shift(grammar, stack, tag):
            return False
    return shift(grammar, stack, END)


def shift(grammar: LexedGrammar, stack: list[int], tag: int) -> bool:
    """Shift a terminal (or accept, at the end) after all reductions; whether that is possible."""
    parser = grammar.parser
    while True:
        action = int(parser.action[stack[-1], tag])
        if action in (ERROR, ACCEPT):
            return action == ACCEPT
        if action > 0:
            stack.append(action - 1)
            return True
        rule = -1 - action
        if parser.rule_length[rule]:
            del stack[-int(parser.rule_length[rule]) :]
        stack.append(int(parser.goto[stack[-1], parser.rule_left[rule]]))
