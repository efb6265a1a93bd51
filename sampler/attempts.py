"""Attempts at valid texts along a trie, which learns from each of them: what ASAp and CARS share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
import torch

from detent.automata.matcher import allocate_bitmask
from detent.sampler.base import Draft, Logits, Outcome, Query, Step
from detent.sampler.guide import AHEAD, only_token
from detent.sampler.law import Law
from detent.sampler.order import Drawn, urns
from detent.sampler.trie import Node, Trie

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from detent.sampler.guide import Guide


@dataclass
class Attempt:
    """One text on its way down the trie.

    Attributes
    ----------
    guide : Guide
    generator : numpy.random.Generator
    node : Node
        Where it is.
    path : list of Node
        Where it was, the node where it is included.
    trace : list of Step
    log_mass : float
        Of all that could be drawn at the root: the probability of success is that of a valid text over this.
    ended, failed : bool
    """

    guide: Guide
    generator: np.random.Generator
    node: Node
    path: list[Node]
    trace: list[Step] = field(default_factory=list)
    log_mass: float = 0.0
    ended: bool = False
    failed: bool = False

    @property
    def is_live(self) -> bool:
        return not (self.ended or self.failed)


class Discovery(NamedTuple):
    """A node that was seen for the first time, how deep it is, and what its grammar allows, int32 ``[words]``."""

    node: Node
    depth: int
    mask: NDArray[np.int32]


@dataclass
class Learning:
    """The state of one prompt.

    Attributes
    ----------
    query : Query
    trie : Trie
    root : Node
        Of the prompt, in the trie.
    counting : bool
        Whether texts of this round are among those that are wanted; decided before the round, not to favour any.
    attempts : list of Attempt
        Those of this round. The trie changes between rounds only, so every attempt of a round is drawn from one law.
    new : dict
        What was found out in this round about nodes, by their ids.
    refused : dict
        From the ids of nodes to the node and the tokens that turned out to be forbidden in this round.
    found : list of Draft
        The valid texts, in the order of the attempts.
    log_masses : list of float
        Of each attempt, ``log_mass`` where it succeeded and minus infinity where it failed: each is the log of an
        unbiased estimate of the probability of a valid text.
    n_forwards, n_drawn, n_failed, n_idle : int
        Runs of the model; tokens drawn; attempts without a valid text; those since the last valid text.
    done : bool
        Whether no further round will begin.
    """

    query: Query
    trie: Trie
    root: Node
    counting: bool = True
    attempts: list[Attempt] = field(default_factory=list)
    new: dict[int, Discovery] = field(default_factory=dict)
    refused: dict[int, tuple[Node, list[int]]] = field(default_factory=dict)
    found: list[Draft] = field(default_factory=list)
    log_masses: list[float] = field(default_factory=list)
    n_forwards: int = 0
    n_drawn: int = 0
    n_failed: int = 0
    n_idle: int = 0
    done: bool = False

    @property
    def nodes(self) -> dict[int, tuple[int, Node]]:
        """The nodes of this round by their ids, with their depths."""
        walked = {id(node): (depth, node) for attempt in self.attempts for depth, node in enumerate(attempt.path)}
        return walked | {key: (depth, node) for key, (node, depth, _) in self.new.items()}

    @property
    def is_walking(self) -> bool:
        return any(attempt.is_live for attempt in self.attempts)

    @property
    def wanted(self) -> int:
        return (self.query.n or 1) - len(self.found)

    @property
    def gap(self) -> float:
        """How much of the mass that can be valid was not seen to be: bounds the distance of ASAp's law."""
        return 1.0 - float(np.exp(self.root.log_found - self.root.log_mass)) if self.root.log_mass > -np.inf else 0.0


@dataclass(frozen=True)
class Attempts(Law, ABC):
    """The walk, the commit and the loop; a sampler says how a token is drawn.

    Parameters
    ----------
    temperature, top_k, top_p, min_p : optional
        As for :class:`~detent.sampler.law.Law`: they shape the law that is meant by "the model", before the constraint.
    batch : int
        Attempts side by side, at most.
    patience : int
        Give up after so many attempts in a row without a valid text.
    trie : Trie, optional
        What was learnt before, and where to learn on. By default every prompt of a run has its own.
    """

    batch: int = 8
    patience: int = 1000
    trie: Trie | None = None
    _masks_at_once: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch < 1 or self.patience < 1:
            raise ValueError(f"batch and patience must be at least 1, not {self.batch} and {self.patience}")

    def init(self, query: Query) -> Learning:
        """Start the first round."""
        trie = Trie() if self.trie is None else self.trie
        state = Learning(query, trie, trie.root(query.prompt))
        self._begin(state)
        return state

    def step(self, states: Sequence[Learning], model: Logits) -> list[Learning]:
        """Walk as far as laws are known, ask for those that are missing, and learn where a round is over."""
        running: dict[int, Learning] = {}
        for state in states:  # those that share a root take turns: no round may change what another is drawn from
            running.setdefault(id(state.root), state)
        missing: dict[int, tuple[Learning, Node, list[int]]] = {}
        for state in running.values():
            for attempt in state.attempts:
                if attempt.is_live and self._walk(state, attempt) and id(attempt.node) not in missing:
                    state.n_forwards += 1
                    missing |= {id(node): (state, node, prefix) for node, prefix in self._unread(state, attempt)}
        if missing:
            laws = self.scaled(torch.as_tensor(model([prefix for _, _, prefix in missing.values()])))
            for (state, node, _), law in zip(missing.values(), laws.log_softmax(-1).cpu().numpy(), strict=True):
                state.trie.keep(node, law.copy())
        over = [state for state in running.values() if not state.is_walking]
        for state in over:
            self._commit(state)
        for trie in {id(state.trie): state.trie for state in over if state.trie.is_full}.values():
            trie.trim({key for state in running.values() if state.is_walking for key in state.nodes})
        for state in over:
            self._begin(state)
        return list(states)

    def _unread(self, state: Learning, attempt: Attempt) -> Iterator[tuple[Node, list[int]]]:
        """Yield the attempt's node and those behind it while one token alone may follow: they are read in one run."""
        guide, node = attempt.guide.fork(), attempt.node
        for depth in range(len(attempt.path) - 1, len(attempt.path) + AHEAD):
            if node.log_law is None:
                yield node, state.query.prompt + guide.ids
            token = only_token(self._look(state, node, guide, depth))
            if token is None or not guide.accept(token):
                return
            node = node.child(token, guide.is_stopped())
            if node.is_end:
                return

    def _look(self, state: Learning, node: Node, guide: Guide, depth: int) -> NDArray[np.int32]:
        """Return what may follow at a node; what is new is told to the other attempts when the round is over."""
        if node.allowed is not None:
            return node.allowed
        if id(node) not in state.new:
            (mask,) = allocate_bitmask(1, len(guide.vocabulary))
            guide.fill_bitmask(mask[None])
            state.new[id(node)] = Discovery(node, depth, mask)
            if self._masks_at_once or node is state.root:  # at the root a mask is only a constant
                node.allowed = mask
        return state.new[id(node)].mask

    def _begin(self, state: Learning) -> None:
        """Start a round of as many attempts as should be enough for the texts that are still wanted."""
        state.done = state.wanted <= 0 or state.n_idle >= self.patience or state.root.log_mass == -np.inf
        tried, succeeded = len(state.log_masses), len(state.log_masses) - state.n_failed
        needed = -(-state.wanted * (tried + 1) // (succeeded + 1))
        n = 0 if state.done else max(1, min(self.batch, needed, self.patience - state.n_idle))
        state.attempts = [
            Attempt(state.query.guide.fork(), generator, state.root, [state.root])
            for generator in state.query.generator.spawn(n)
        ]
        state.new, state.refused = {}, {}
        state.counting = self._is_ready(state)

    def _is_ready(self, state: Learning) -> bool:
        """Tell whether the texts of the round that begins are wanted."""
        return True

    def _walk(self, state: Learning, attempt: Attempt) -> bool:
        """Go on until the text ends or fails; true when a law is missing first."""
        while attempt.is_live:
            node = attempt.node
            if node.log_law is None:
                return True
            self._look(state, node, attempt.guide, len(attempt.path) - 1)
            state.n_drawn += 1
            drawn = self._draw(state, attempt)
            if drawn is None:
                attempt.failed = True
                break
            if len(attempt.path) == 1:
                attempt.log_mass = drawn.log_rest
            attempt.trace.append(Step(drawn.token, False, float(node.log_law[drawn.token]), 0.0))
            attempt.ended = attempt.guide.is_stopped()
            attempt.node = node.child(drawn.token, attempt.ended)
            attempt.path.append(attempt.node)
        return False

    @abstractmethod
    def _draw(self, state: Learning, attempt: Attempt) -> Drawn | None:
        """Draw an allowed token at the attempt's node and let its guide take it; ``None`` when the attempt fails."""

    def _refuse(self, state: Learning, node: Node, token: int) -> None:
        state.refused.setdefault(id(node), (node, []))[1].append(token)

    def _commit(self, state: Learning) -> None:
        """Learn from the attempts of a round: what is forbidden, then the bounds from the longest prefix up."""
        for node, _, mask in state.new.values():
            node.allowed = mask
        for node, tokens in state.refused.values():
            node.refuse(tokens)
        nodes = state.nodes
        for _, node in sorted(nodes.values(), key=lambda pair: -pair[0]):
            if not node.is_end:
                node.update()
        state.trie.touch(node for _, node in nodes.values())
        for attempt in state.attempts:
            state.log_masses.append(attempt.log_mass if attempt.ended else -np.inf)
            state.n_failed += attempt.failed
            state.n_idle = 0 if attempt.ended else state.n_idle + 1
            if attempt.ended and state.counting and state.wanted > 0:
                state.found.append(Draft(attempt.trace))

    def outcome(self, state: Learning) -> Outcome:
        """Return the valid texts, fewer than were wanted when patience ran out or there are none."""
        stats = {
            "attempts": len(state.log_masses),
            "failed": state.n_failed,
            "forwards": state.n_forwards,
            "drawn": state.n_drawn,  # as many forwards would be needed without the trie
            "checks": state.query.guide.n_checks,
            "log_upper": state.root.log_mass,
            "log_lower": state.root.log_found,
        }
        return Outcome(state.found, self._log_z(state), stats)

    def _log_z(self, state: Learning) -> float:
        """Estimate the log of the probability of a valid text."""
        return state.root.log_mass


def draws_at(node: Node, generator: np.random.Generator) -> Iterator[Drawn]:
    """Draw at a node without replacement, from the model's law times what can be valid as far as it is known."""
    return urns(node.scores()[None], [0.0], [generator])[0]
