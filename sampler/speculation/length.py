"""How many tokens to draft."""

from __future__ import annotations

from dataclasses import dataclass

POSITION = 0.04  # time of one more token in a run of the target, as a part of the run: 0.03 to 0.06 on one CPU thread
PRIOR, WEIGHT = 0.7, 3.0  # the rate that is expected before anything was seen, and how many guesses that counts for
MEMORY = 0.9  # what the guesses of a round count for in the next


@dataclass
class DraftLength:
    """The length that wrote most tokens in a time, at the rate at which guesses came true lately.

    Attributes
    ----------
    longest : int
    cost : float
        Time of drafting a token, as a part of a run of the target.

    Notes
    -----
    A chain of ``k`` guesses, each true with a probability of ``a`` if all before are, writes ``1 + a + ... + a**k``
    tokens in the time ``1 + k c`` (Leviathan et al. 2023, arXiv:2211.17192, theorem 3.8). No guess is made where none
    pays; what was seen fades then, so that some will be made again.
    """

    longest: int
    cost: float
    n_true: float = 0.0
    n_seen: float = 0.0

    @property
    def rate(self) -> float:
        return (self.n_true + PRIOR * WEIGHT) / (self.n_seen + WEIGHT)

    def __call__(self, n_rows: int = 1, cost: float | None = None) -> int:
        """Return the length for a run of the target over ``n_rows`` texts, each of which gets a draft.

        ``cost`` is that of another guess than usual.
        """
        rate, cost = self.rate, self.cost if cost is None else cost
        cost += n_rows * POSITION / (1 + (n_rows - 1) * POSITION)
        best, best_gain, written = 0, 1.0, 1.0
        for length in range(1, self.longest + 1):
            written += rate**length
            if written / (1 + length * cost) > best_gain:
                best, best_gain = length, written / (1 + length * cost)
        return best

    def saw(self, n_guessed: int, n_true: int) -> None:
        """Take in a round: of ``n_guessed`` guesses in a row, the first ``n_true`` came true."""
        self.n_true = MEMORY * self.n_true + n_true
        self.n_seen = MEMORY * self.n_seen + n_true + (n_true < n_guessed)
