"""Terminals of a Lark grammar that never come: whatever they match, one that is tried before has matched already.

``%ignore /[ \\t\\n]+/`` beside a rule that asks for ``"\\n"``: white space comes first in the order of the lexer, and
takes the line's end. Rules with such a terminal have no text, and without them a grammar may have no dead ends.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .terminals import Terminals

MOST = 64  # pairs of sets of nodes that are looked at for a terminal in a context


def shadowed(terminals: Terminals, doubtful: Iterable[int]) -> list[int]:
    """Those of some terminals that certainly never come in any context that asks for them.

    Parameters
    ----------
    terminals : Terminals
    doubtful : iterable of int
        Terminals that the lexer tries.
    """
    contexts = {t: np.flatnonzero(terminals.asked[:, t]).tolist() for t in doubtful}
    return [t for t, asking in contexts.items() if asking and all(_never_comes(terminals, c, t) for c in asking)]


def _never_comes(terminals: Terminals, context: int, t: int) -> bool:
    """Whether a terminal is certainly no token in a context: what begins with its texts begins with another one."""
    tables = terminals.tables
    earlier: list[int] = []
    for entry in range(*tables.order_first[context : context + 2].tolist()):
        u = int(tables.order[entry])
        if u == t:
            return _is_preceded(terminals, t, earlier)
        if t in tables.retype[slice(*tables.retype_first[entry : entry + 2])] and not tables.ignored[u]:
            return False
        earlier += [] if terminals.asserting[u] else [u]
    return True


def _is_preceded(terminals: Terminals, t: int, earlier: Iterable[int]) -> bool:
    """Whether each text of a terminal begins with a text of earlier ones, or is one."""
    begin, ends = terminals.nodes.begin, terminals.nodes.ends
    first = frozenset([int(begin[t])]), frozenset(begin[list(earlier)].tolist())
    found, pending = {first}, [first]
    for own, others in pending:
        possible = terminals.possible([*own]) & (terminals.hints.spelled != 0)
        for c in np.flatnonzero(possible).tolist():
            behind = frozenset(terminals.read([*own], [c])), frozenset(terminals.read([*others], [c]))
            if behind in found or ends[[*behind[1]]].any():
                continue
            if not behind[1] or ends[[*behind[0]]].any() or len(found) == MOST:
                return False
            found.add(behind)
            pending.append(behind)
    return True


__all__ = ["shadowed"]
