"""What each token of a tokenizer spells, in bytes, read from the tokenizer's own decoder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detent.grammar.errors import VocabularyError

_METASPACE = "▁"
_BYTE_PIECE = re.compile("<0x([0-9A-Fa-f]{2})>")
_ROLES = ("bos", "eos", "unk", "sep", "cls", "mask")  # not "pad": it is often pointed at an ordinary token


def _byte_level_alphabet() -> list[int]:
    """Return the code point by which byte-level BPE writes each byte: itself where printable, else from 256 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [byte if byte in printable else next(others) for byte in range(256)]


# By code point; the last entry stands for all code points beyond the alphabet.
_BYTE_OF = np.full(max(_byte_level_alphabet()) + 2, -1, np.int16)
_BYTE_OF[_byte_level_alphabet()] = np.arange(256)


@dataclass
class _Spelling:
    """How a decoder turns token strings into bytes: replacements first, then bytes written as characters or pieces."""

    replacements: list[tuple[str, str]] = field(default_factory=list)
    byte_level: bool = False
    byte_fallback: bool = False

    def __call__(self, tokens: list[str]) -> list[bytes]:
        for old, new in self.replacements:
            tokens = [token.replace(old, new) for token in tokens]
        if self.byte_level:
            return _byte_level(tokens)
        spelled = [token.encode() for token in tokens]
        if self.byte_fallback:
            for i, token in enumerate(tokens):
                if len(token) == 6 and (piece := _BYTE_PIECE.fullmatch(token)):
                    spelled[i] = bytes([int(piece[1], 16)])
        return spelled


def backend_of(tokenizer: Any) -> Any | None:
    """Return the ``tokenizers.Tokenizer`` in or behind a tokenizer, if there is one."""
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    return backend if hasattr(backend, "get_added_tokens_decoder") else None


def added_tokens(tokenizer: Any) -> dict[int, Any]:
    """Return the tokens that a tokenizer finds in a text before it splits the rest, by id."""
    backend = backend_of(tokenizer)
    added = tokenizer.added_tokens_decoder if backend is None else backend.get_added_tokens_decoder()
    return dict(sorted(added.items()))


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """Return the tokens that stand for no text: added as special, unknown, or in a role such as "bos"."""
    special = {token.content: i for i, token in added_tokens(tokenizer).items() if token.special}
    for role in _ROLES:
        i = getattr(tokenizer, f"{role}_token_id", None)
        if i is not None:
            special.setdefault(getattr(tokenizer, f"{role}_token"), i)
    backend = backend_of(tokenizer)
    unknown = getattr(backend.model, "unk_token", None) if backend is not None else None
    if backend is not None and unknown is not None and backend.token_to_id(unknown) is not None:
        special.setdefault(unknown, backend.token_to_id(unknown))
    return special


def read_tokens(tokenizer: Any) -> list[bytes]:
    """Return the bytes of every token of a tokenizer, by id; ``b""`` where a token spells nothing.

    Parameters
    ----------
    tokenizer
        A ``tokenizers.Tokenizer``, a transformers tokenizer on top of one, or one with a SentencePiece ``sp_model``.

    Raises
    ------
    VocabularyError
        If the text of a sequence of tokens is not the concatenation of the bytes of its tokens, or the tokenizer is of
        another kind.

    Notes
    -----
    An added token spells its content as it stands, unless the model has it too, as in Gemma, whose added ``▁▁`` spells
    two spaces; then it is read like the model's other tokens.
    """
    backend = backend_of(tokenizer)
    if backend is not None:
        strings = _token_strings(backend)
        tokens = _decoder_spelling(backend)(strings)
        literal = [i for i, token in added_tokens(tokenizer).items() if backend.model.token_to_id(token.content) != i]
    elif hasattr(tokenizer, "sp_model"):
        tokens = _sentencepiece_tokens(tokenizer)
        literal = [i for i in added_tokens(tokenizer) if i >= len(tokens) or not tokens[i]]
        tokens += [b""] * (max(literal, default=0) + 1 - len(tokens))
    else:
        what = f"The name {tokenizer!r:.60}" if isinstance(tokenizer, str) else type(tokenizer).__name__
        raise VocabularyError(
            f"{what} does not say which bytes its tokens spell: use a fast tokenizer "
            "(AutoTokenizer.from_pretrained), or Vocabulary.from_tokens."
        )
    added = added_tokens(tokenizer)
    for i in literal:
        tokens[i] = added[i].content.encode()
    for i in special_tokens(tokenizer).values():
        tokens[i] = b""
    return tokens


def decoder_state(backend: Any) -> bytes:
    """Return the JSON of what decides how tokens are spelled: the decoder, or else the pre-tokenizer."""
    part = backend.decoder or backend.pre_tokenizer
    state: bytes = part.__getstate__() if part is not None else b"null"
    return state


def _token_strings(backend: Any) -> list[str]:
    size = backend.get_vocab_size()
    strings = list(map(backend.id_to_token, range(size)))
    if None in strings:  # ids with gaps
        size = 1 + max(backend.get_vocab().values())
        strings = [backend.id_to_token(i) or "" for i in range(size)]
    return strings


def _decoder_spelling(backend: Any) -> _Spelling:
    spelling = _Spelling(byte_fallback=getattr(backend.model, "byte_fallback", False))
    parts = list(_flatten(json.loads(decoder_state(backend))))
    if backend.decoder is None:
        # Without a decoder, the pre-tokenizer tells how it wrote bytes or spaces, if it kept them at all.
        parts = [part for part in parts if part["type"] in ("ByteLevel", "Metaspace")]
        if not parts and backend.pre_tokenizer is not None:
            raise VocabularyError("the tokenizer has no decoder, so its tokens cannot be put together to a text.")
    fused = False
    for part in parts:
        match part["type"]:
            case "ByteLevel":
                spelling.byte_level = True
            case "ByteFallback":
                spelling.byte_fallback = True
            case "Metaspace":
                spelling.replacements.append((part["replacement"], " "))
            case "Replace" if "String" in part["pattern"] and not spelling.byte_level:
                spelling.replacements.append((part["pattern"]["String"], part["content"]))
            case "Fuse":
                fused = True
            case "Strip" if fused:
                pass  # it trims the whole text, not each token
            case other:
                raise VocabularyError(f"the bytes of a token are not known for a tokenizer with the decoder {other}.")
    return spelling


def _flatten(part: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    if part is not None and part["type"] == "Sequence":
        for inner in part.get("decoders") or part.get("pretokenizers") or []:
            yield from _flatten(inner)
    elif part is not None:
        yield part


def _byte_level(tokens: list[str]) -> list[bytes]:
    """Map the characters of byte-level tokens back to bytes; a token with another character is plain text."""
    codes = np.frombuffer("".join(tokens).encode("utf-32-le"), np.uint32)
    mapped = _BYTE_OF[np.minimum(codes, _BYTE_OF.size - 1)]
    ends = np.cumsum(np.fromiter(map(len, tokens), np.int64, len(tokens)))
    data = mapped.astype(np.uint8).tobytes()
    stops = ends.tolist()
    spelled = [data[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]
    for i in np.unique(np.searchsorted(ends, np.flatnonzero(mapped < 0), side="right")).tolist():
        spelled[i] = tokens[i].encode()
    return spelled


def _sentencepiece_tokens(tokenizer: Any) -> list[bytes]:
    model = tokenizer.sp_model
    pieces = tokenizer.convert_ids_to_tokens(list(range(tokenizer.vocab_size)))
    spelled = [piece.replace(_METASPACE, " ").encode() for piece in pieces]
    for i, piece in enumerate(pieces):
        own = model.piece_to_id(piece)
        if model.is_byte(own):
            spelled[i] = bytes([int(piece[3:5], 16)])
        elif model.is_control(own) or model.is_unknown(own) or model.is_unused(own):
            spelled[i] = b""
    return spelled
