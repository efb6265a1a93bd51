"""Masks token by token."""

from __future__ import annotations

from detent.automata.vocabulary import Vocabulary

from .json_values import Recogniser, Stacks


def allowed(recogniser: Recogniser, stacks: Stacks, vocabulary: Vocabulary) -> set[int]:
    """The tokens after which some text can be finished, and the ends of sequence where the text is complete."""
    found = {
        token
        for token in range(len(vocabulary))
        if (spelling := vocabulary.token_bytes(token)) and recogniser.read(stacks, spelling)
    }
    return found | set(vocabulary.eos_ids) if recogniser.may_end(stacks) else found


def forced_bytes(recogniser: Recogniser, stacks: Stacks, most: int) -> bytes:
    """The bytes, at most so many, that can only come next."""
    out = b""
    while stacks and len(out) < most and not recogniser.may_end(stacks):
        following = [bytes([b]) for b in range(256) if recogniser.read(stacks, bytes([b]))]
        if len(following) != 1:
            break
        out += following[0]
        stacks = recogniser.read(stacks, following[0])
    return out
