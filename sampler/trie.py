"""What is known of the texts behind each prefix: the model's law, what is forbidden, and how much mass can be valid.

Shared by :class:`~detent.ASAp` and :class:`~detent.CARS`. Everything is in logs; masses are sums over what is left.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from detent.sampler.guide import clear_bits, unpack

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray


class Node:
    """One prefix.

    Attributes
    ----------
    log_law : numpy.ndarray, float32 ``[width]``, or None
        Log-probabilities of the next token; forgotten when memory is short, and asked for again.
    allowed : numpy.ndarray, int32 ``[words]``, or None
        Bitmask of the tokens that may still lead to a valid text, as far as it is known; ``None``: nothing is.
    children : dict
        From tokens to nodes.
    log_mass : float
        Log of an upper bound on the probability that a text that begins so is valid: exact when all is known.
    log_found : float
        Log of the probability of the valid texts that are known, given that they begin so: a lower bound.
    is_end : bool
        Whether the text ended here.
    """

    __slots__ = ("allowed", "children", "is_end", "log_found", "log_law", "log_mass")

    def __init__(self, is_end: bool = False) -> None:
        self.log_law: NDArray[np.float32] | None = None
        self.allowed: NDArray[np.int32] | None = None
        self.children: dict[int, Node] = {}
        self.log_mass = 0.0
        self.log_found = 0.0 if is_end else -np.inf
        self.is_end = is_end

    def child(self, token: int, is_end: bool) -> Node:
        """Return the node behind a token; it is made when it is new."""
        node = self.children.get(token)
        if node is None:
            node = self.children[token] = Node(is_end)
        return node

    def scores(self) -> NDArray[np.float32]:
        """Return the log-probabilities times what can be valid behind each token, float32 ``[width]``."""
        assert self.log_law is not None
        scores: NDArray[np.float32] = self.log_law.copy()
        if self.allowed is not None:
            scores[~unpack(self.allowed, len(scores))] = -np.inf
        if self.children:
            tokens = list(self.children)
            scores[tokens] += np.array([child.log_mass for child in self.children.values()], np.float32)
        return scores

    def refuse(self, tokens: Sequence[int]) -> None:
        """Learn that nothing valid begins with any of these tokens; the mask leaves out those beyond it anyway."""
        assert self.allowed is not None
        clear_bits(self.allowed, [token for token in tokens if token < 32 * len(self.allowed)])

    def update(self) -> None:
        """Work out the bounds again from those of the children."""
        assert self.log_law is not None
        self.log_mass = min(self.log_mass, _log_sum(self.scores()))
        found = [self.log_law[token] + child.log_found for token, child in self.children.items()]
        self.log_found = _log_sum(np.array([-np.inf, *found]))


def _log_sum(logs: NDArray[Any]) -> float:
    top = float(logs.max())
    if top == -np.inf:
        return top
    return top + float(np.log(np.exp(logs.astype(np.float64) - top).sum()))


class Trie:
    """Nodes under the prompts that were asked, kept for later runs.

    Valid for one model, one constraint, one limit and one temperature.

    Parameters
    ----------
    max_bytes : int
        Memory for the laws of nodes; those used longest ago are forgotten first.
    """

    def __init__(self, max_bytes: int = 256 << 20) -> None:
        self.max_bytes = max_bytes
        self.roots: dict[tuple[int, ...], Node] = {}
        self._laws: OrderedDict[int, Node] = OrderedDict()  # nodes with laws, those used longest ago first
        self._n_bytes = 0

    def root(self, prompt: Sequence[int]) -> Node:
        """Return the node of the empty text behind a prompt."""
        return self.roots.setdefault(tuple(prompt), Node())

    def keep(self, node: Node, law: NDArray[np.float32]) -> None:
        """Remember the law of a node."""
        node.log_law = law
        self._laws[id(node)] = node
        self._n_bytes += law.nbytes

    def touch(self, nodes: Iterable[Node]) -> None:
        """Note that these nodes were used just now."""
        for node in nodes:
            if id(node) in self._laws:
                self._laws.move_to_end(id(node))

    @property
    def is_full(self) -> bool:
        """Whether laws take more memory than they may."""
        return self._n_bytes > self.max_bytes

    def trim(self, in_use: Container[int] = ()) -> None:
        """Forget laws beyond the bound, but the last one and those of nodes whose ids are ``in_use``."""
        for key in [key for key in self._laws if key not in in_use][: len(self._laws) - 1]:
            if not self.is_full:
                break
            node = self._laws.pop(key)
            assert node.log_law is not None
            self._n_bytes -= node.log_law.nbytes
            node.log_law = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a file (``.npz``; no pickle)."""
        nodes: list[Node] = []
        edges: list[tuple[int, int]] = []  # (parent, token); the parent of a root is minus one, the token its prompt
        for number, root in enumerate(self.roots.values()):
            for node, parent, token in _in_order(root, number, len(nodes)):
                nodes.append(node)
                edges.append((parent, token))
        width = max((len(node.log_law) for node in nodes if node.log_law is not None), default=0)
        words = max((len(node.allowed) for node in nodes if node.allowed is not None), default=0)
        laws = [i for i, node in enumerate(nodes) if node.log_law is not None]
        masks = [i for i, node in enumerate(nodes) if node.allowed is not None]
        prompts = [np.array(prompt, np.int64) for prompt in self.roots]
        with open(path, "wb") as file:
            np.savez(
                file,
                edges=np.array(edges, np.int64).reshape(-1, 2),
                bounds=np.array([(node.log_mass, node.log_found, node.is_end) for node in nodes]).reshape(-1, 3),
                with_law=np.array(laws, np.int64),
                laws=np.array([nodes[i].log_law for i in laws], np.float32).reshape(len(laws), width),
                with_mask=np.array(masks, np.int64),
                masks=np.array([nodes[i].allowed for i in masks], np.int32).reshape(len(masks), words),
                prompts=np.concatenate([[], *prompts]).astype(np.int64),
                lengths=np.array([len(prompt) for prompt in prompts], np.int64),
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str], max_bytes: int = 256 << 20) -> Trie:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            parts = {name: file[name] for name in file.files}
        trie = cls(max_bytes)
        nodes: list[Node] = []
        prompts = np.split(parts["prompts"], np.cumsum(parts["lengths"])[:-1]) if len(parts["lengths"]) else []
        for (parent, token), (log_mass, log_found, is_end) in zip(
            parts["edges"].tolist(), parts["bounds"].tolist(), strict=True
        ):
            node = trie.root(prompts[token].tolist()) if parent < 0 else nodes[parent].child(token, bool(is_end))
            node.log_mass, node.log_found = log_mass, log_found
            nodes.append(node)
        for i, mask in zip(parts["with_mask"].tolist(), parts["masks"], strict=True):
            nodes[i].allowed = mask.copy()
        for i, law in zip(parts["with_law"].tolist(), parts["laws"], strict=True):
            trie.keep(nodes[i], law.copy())
        trie.trim()
        return trie


def _in_order(root: Node, number: int, start: int) -> Iterator[tuple[Node, int, int]]:
    """Yield the nodes under a root, parents first, with the number of the parent and the token."""
    stack = [(root, -1, number)]
    while stack:
        node, parent, token = stack.pop()
        yield node, parent, token
        stack += [(child, start, key) for key, child in node.children.items()]
        start += 1
