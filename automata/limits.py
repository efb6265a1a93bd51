"""Named limits: what untrusted specifications may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds that end in :class:`~detent.LimitExceeded`, never in a hang.

    Attributes
    ----------
    cache_bytes : int
        Memory for states, tables and masks of one vocabulary; when it is full, the compiler starts afresh.
    max_nodes : int
        Schemas in one document.
    max_branches : int
        Ways to meet the disjunctions (``anyOf``, ``oneOf``) that hold at one place.
    max_depth : int
        Nesting of required values that is looked into to prove that a value exists.
    max_steps : int
        Formulas joined in one piece of work where alternatives overlap (``oneOf``, ``not``, ``if``).
    regex_states : int
        States of one automaton over characters.
    rule_states : int
        States of the automaton of one rule of a grammar, before it is minimised.
    proof_steps : int
        Steps to the proof that an LALR grammar has a text, where it is not proved at once that no text gets stuck.

    Raises
    ------
    TypeError, ValueError
        If one is no whole number of at least 1.
    """

    cache_bytes: int = 512 << 20
    max_nodes: int = 200_000
    max_branches: int = 1_000
    max_depth: int = 120
    max_steps: int = 100_000
    regex_states: int = 50_000
    rule_states: int = 50_000
    proof_steps: int = 1_000_000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int):
                raise TypeError(f"{name} must be an int, not {value!r:.40}")
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
