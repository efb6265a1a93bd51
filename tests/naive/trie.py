"""The trie of a vocabulary as nested dictionaries, and its breadth-first listing."""

from __future__ import annotations

from typing import Any


def insert_all(tokens: list[bytes]) -> dict[Any, Any]:
    """Nested dictionaries from byte to node; the key ``"ids"`` lists the tokens that end in a node."""
    root: dict[Any, Any] = {"ids": []}
    for token_id, token in enumerate(tokens):
        node = root
        for byte in token:
            node = node.setdefault(byte, {"ids": []})
        if token:
            node["ids"].append(token_id)
    return root


def children(node: dict[Any, Any]) -> list[tuple[int, dict[Any, Any]]]:
    return sorted((byte, child) for byte, child in node.items() if byte != "ids")


def height(node: dict[Any, Any]) -> int:
    return max((1 + height(child) for _, child in children(node)), default=0)


def count_below(node: dict[Any, Any]) -> int:
    return sum(len(child["ids"]) + count_below(child) for _, child in children(node))


def breadth_first(tokens: list[bytes]) -> dict[str, list[int]]:
    """The arrays of ``detent.native.trie.build_trie``, by name."""
    nodes = [(0, insert_all(tokens))]
    child_first = []
    for _, node in nodes:  # grows while it is read
        child_first.append(len(nodes))
        nodes += children(node)
    token_first = [0]
    for _, node in nodes:
        token_first.append(token_first[-1] + len(node["ids"]))
    return {
        "child_first": [*child_first, len(nodes)],
        "byte": [byte for byte, _ in nodes],
        "token_first": token_first,
        "token_ids": [token_id for _, node in nodes for token_id in node["ids"]],
        "height": [height(node) for _, node in nodes],
        "below": [count_below(node) for _, node in nodes],
    }


def preorder(tokens: list[bytes]) -> list[tuple[int, int, int, list[int]]]:
    """Each node before its descendants: byte, depth, how many nodes it has with its descendants, tokens."""

    def listed(byte: int, depth: int, node: dict[Any, Any]) -> list[tuple[int, int, int, list[int]]]:
        behind = [row for b, child in children(node) for row in listed(b, depth + 1, child)]
        return [(byte, depth, 1 + len(behind), node["ids"]), *behind]

    return listed(0, 0, insert_all(tokens))
