"""A slow, obvious recogniser of Lark grammars with islands: every way to end each island is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from detent.grammar.lark.tables import END, LexedGrammar

from .lexed import Lexer, shift

Piece = str | int  # text, or a special token
Languages = Mapping[int, Callable[[str], bool]]


def accepts(grammar: LexedGrammar, pieces: Sequence[Piece], islands: Languages, tokens: Mapping[int, int]) -> bool:
    """Whether some text and special tokens, no two texts next to each other, are a sentence.

    Parameters
    ----------
    grammar : LexedGrammar
    pieces : sequence of str or int
    islands : mapping
        Of terminals: whether a text belongs to the island.
    tokens : mapping
        Of terminals: the token that it is.
    """
    pending, seen = [(0, 0, 0, (0,))], set()  # piece, where the lexer's text begins in it, place, stack
    while pending:
        config = pending.pop()
        if config in seen:
            continue
        seen.add(config)
        k, start, at, stack = config
        piece = pieces[k] if k < len(pieces) else None
        if piece is None:
            if shift(grammar, list(stack), END):
                return True
        elif isinstance(piece, int):
            pending += [(k + 1, 0, 0, then) for t in tokens if tokens[t] == piece for then in _after(grammar, stack, t)]
        elif at == len(piece):
            pending.append((k + 1, 0, 0, stack))
        else:
            token = Lexer(grammar, piece[start:]).token(int(grammar.parser.context[stack[-1]]), at - start)
            if token is not None:
                tag, dropped, end = token
                for then in [stack] if dropped else _after(grammar, stack, tag):
                    pending.append((k, start, start + end, then))
            for t, holds in islands.items():
                for then in _after(grammar, stack, t):
                    ends = [end for end in range(at + 1, len(piece) + 1) if holds(piece[at:end])]
                    pending += [(k, end, end, then) for end in ends]
    return False


def _after(grammar: LexedGrammar, stack: tuple[int, ...], terminal: int) -> list[tuple[int, ...]]:
    """The stack behind a terminal, if it is accepted."""
    after = list(stack)
    return [tuple(after)] if shift(grammar, after, terminal) else []
