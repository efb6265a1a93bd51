"""The tokens of a model as bytes, in the form that every other part reads."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detent.automata import tokenizer_bytes
from detent.automata.cache import DiskCache
from detent.grammar.errors import VocabularyError
from detent.native import trie
from detent.native.files import Arrays

_KIND = "vocabulary"
_SAMPLES = 4096
_IMPORTED = time.time()


@dataclass(frozen=True, eq=False, repr=False)
class Vocabulary:
    """What each token id of a model spells; immutable, and equal to another of the same fingerprint.

    Made by :meth:`from_transformers`, :meth:`from_tiktoken` or :meth:`from_tokens`. ``len()`` is the number of logits,
    hence of mask bits.

    Attributes
    ----------
    packed : (n,) int32
        Tokens and trie in the layout of :mod:`detent.native.trie`; not to be written to.
    eos_ids : tuple of int
        The tokens that end a text.
    special : dict of str to int
        The tokens that stand for no text, by name.

    Examples
    --------
    >>> v = Vocabulary.from_tokens([b"a", b"ab", None], eos=[2])
    >>> len(v), v.token_bytes(1), v.eos_ids
    (3, b'ab', (2,))
    """

    packed: npt.NDArray[np.int32]
    eos_ids: tuple[int, ...]
    special: dict[str, int]

    @classmethod
    def from_tokens(
        cls,
        tokens: Sequence[bytes | None],
        eos: Iterable[int] = (),
        special: Mapping[str, int] | None = None,
        n: int | None = None,
    ) -> Vocabulary:
        """Make a vocabulary from the bytes of each token.

        Parameters
        ----------
        tokens : sequence of bytes or None
            By token id; ``None`` and ``b""`` are never allowed as text. Several tokens may spell the same.
        eos : iterable of int
            The tokens that end a text. They spell nothing, whatever their bytes.
        special : mapping of str to int, optional
            Further tokens that spell nothing, by name.
        n : int, optional
            Number of logits, where the model has more than there are tokens.

        Raises
        ------
        TypeError
            If a token is neither bytes nor None, or `eos` is one number.
        VocabularyError
            If `n` is less than the number of tokens, or an id of `eos` or `special` is not below `n`.

        Notes
        -----
        Linear in the bytes of all tokens.
        """
        n = len(tokens) if n is None else n
        if isinstance(eos, int):
            raise TypeError(f"eos must be a list of ids, not {eos}: eos=[{eos}]")
        eos_ids, special = tuple(dict.fromkeys(int(i) for i in eos)), dict(special or {})
        if n < len(tokens):
            raise VocabularyError(f"n = {n} logits are fewer than the {len(tokens)} tokens of the tokenizer.")
        silent = {*eos_ids, *special.values()}
        for i in silent:
            if not 0 <= i < n:
                raise VocabularyError(f"the special token {i} is not one of {n} logits: pass the model's number as n.")
        spelled = [token or b"" for token in tokens]
        for i in silent.intersection(range(len(spelled))):
            spelled[i] = b""
        offsets = np.zeros(n + 1, np.int32)
        np.cumsum(np.fromiter(map(len, spelled), np.int32, len(spelled)), out=offsets[1 : len(spelled) + 1])
        offsets[len(spelled) + 1 :] = offsets[len(spelled)]
        try:
            data = np.frombuffer(bytearray(b"".join(spelled)), np.uint8)  # writable, as the kernel's signature is
        except TypeError as error:
            raise TypeError("tokens must be bytes or None: what each id spells, in the order of the ids") from error
        return cls(trie.pack(data, offsets), eos_ids, special)

    @classmethod
    def from_transformers(
        cls,
        tokenizer: Any,
        n: int | None = None,
        cache_dir: str | os.PathLike[str] | Literal[False] | None = None,
        *,
        eos: Iterable[int] | None = None,
    ) -> Vocabulary:
        """Make a vocabulary from a Hugging Face tokenizer.

        Parameters
        ----------
        tokenizer
            A transformers tokenizer (fast, or slow on SentencePiece) or a ``tokenizers.Tokenizer``.
        n : int, optional
            Number of logits, where the model pads its vocabulary. Ids beyond the tokenizer are never allowed.
        cache_dir : path, False or None
            As in :meth:`DiskCache.open`: the folder where the result is kept, for tokenizers loaded from a file.
        eos : iterable of int, optional
            The tokens that end a text; by default those of the tokenizer and of the ``generation_config.json`` that
            lies beside it.

        Raises
        ------
        VocabularyError
            If the tokenizer's text is not the concatenation of its tokens' bytes, or `n` is too small.

        Notes
        -----
        Measured on one core with 200k tokens: 0.2 s, and 0.04 s from the disk cache.
        """
        source = _source_file(tokenizer)
        eos = tuple(_eos_ids(tokenizer, source) if eos is None else eos)
        cache, key = DiskCache.open(cache_dir), None
        if source is not None and cache.directory is not None:
            key = _cache_key(tokenizer, source, n, eos)
        if key is not None and (arrays := cache.load(_KIND, key)) is not None:
            return cls._from_arrays(arrays)
        tokens = tokenizer_bytes.read_tokens(tokenizer)
        vocabulary = cls.from_tokens(tokens, eos, tokenizer_bytes.special_tokens(tokenizer), n)
        if key is not None:
            cache.store(_KIND, key, vocabulary._to_arrays())
        return vocabulary

    @classmethod
    def from_tiktoken(cls, encoding: Any, n: int | None = None, *, eos: Iterable[int] | None = None) -> Vocabulary:
        """Make a vocabulary from a ``tiktoken.Encoding``.

        Parameters
        ----------
        encoding : tiktoken.Encoding
        n : int, optional
            Number of logits, where the model pads its vocabulary.
        eos : iterable of int, optional
            The tokens that end a text; by default ``<|endoftext|>``.

        Raises
        ------
        TypeError
            If this is no encoding.
        """
        if not hasattr(encoding, "encode_single_token"):
            raise TypeError(f"encoding must be a tiktoken.Encoding, not {encoding!r:.40}: tiktoken.get_encoding(name)")
        special = {name: encoding.encode_single_token(name) for name in sorted(encoding.special_tokens_set)}
        if eos is None:
            eos = [special["<|endoftext|>"]] if "<|endoftext|>" in special else []
        tokens: list[bytes | None] = [None] * encoding.n_vocab
        for i in range(encoding.n_vocab):
            try:
                tokens[i] = encoding.decode_single_token_bytes(i)
            except KeyError:  # ids may have gaps
                continue
        return cls.from_tokens(tokens, eos, special, n)

    def __len__(self) -> int:
        return int(self.packed[trie.V_TOKENS])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self)} tokens, {self.fingerprint[:8]}>"

    def token_bytes(self, token_id: int) -> bytes:
        """Return what a token spells; ``b""`` for special tokens and padding.

        Raises
        ------
        IndexError
            If there is no such token.
        """
        offsets = self._offsets
        if not 0 <= token_id < len(offsets) - 1:
            raise IndexError(f"token {token_id} is not one of {len(self)}.")
        start, stop = offsets[token_id : token_id + 2].tolist()
        return self._data[start:stop]

    @cached_property
    def _offsets(self) -> npt.NDArray[np.int32]:
        """(n + 1,) int32: where the bytes of each token begin in ``_data``."""
        return self._array(trie.V_TOKOFF, len(self) + 1)

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the bytes of all tokens, their number, the special tokens and the ends of text."""
        digest = blake2b(self._array(trie.V_TOKOFF, len(self) + 1).data, digest_size=16)
        digest.update(self._data)
        digest.update(json.dumps([self.eos_ids, sorted(self.special.items())]).encode())
        return digest.hexdigest()

    @cached_property
    def spellable_bytes(self) -> npt.NDArray[np.bool_]:
        """(256,) bool: the bytes that are a token of their own."""
        n_nodes = int(self.packed[trie.V_NODES])
        children = self._array(trie.V_CHILD, 2)
        byte, first = self._array(trie.V_BYTE, n_nodes), self._array(trie.V_TOKFIRST, n_nodes + 1)
        nodes = np.arange(children[0], children[1])
        spellable = np.zeros(256, np.bool_)
        spellable[byte[nodes[first[nodes] < first[nodes + 1]]]] = True
        return spellable

    @cached_property
    def spelled(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: the tokens that stand for bytes."""
        return np.diff(self._array(trie.V_TOKOFF, len(self) + 1)) > 0

    @cached_property
    def _data(self) -> bytes:
        size = int(self._array(trie.V_TOKOFF, len(self) + 1)[-1])
        return self._array(trie.V_TOKBYTES, size).astype(np.uint8).tobytes()

    def _array(self, field: int, size: int) -> npt.NDArray[np.int32]:
        position = int(self.packed[field])
        return self.packed[position : position + size]

    def _to_arrays(self) -> Arrays:
        names = np.frombuffer(json.dumps(self.special).encode(), np.uint8)
        return {"packed": self.packed, "eos": np.array(self.eos_ids, np.int32), "special": names}

    @classmethod
    def _from_arrays(cls, arrays: Arrays) -> Vocabulary:
        return cls(arrays["packed"], tuple(arrays["eos"].tolist()), json.loads(arrays["special"].tobytes()))


def _source_file(tokenizer: Any) -> Path | None:
    """Return the ``tokenizer.json`` that a transformers tokenizer was loaded from, where that is certain."""
    name = getattr(tokenizer, "name_or_path", "")
    if not name or tokenizer_bytes.backend_of(tokenizer) is None:
        return None
    path = Path(name, "tokenizer.json")
    if path.is_file():
        return path
    return _hub_file(name)


def _hub_file(name: str) -> Path | None:
    """Return the file of a model of the hub; of several revisions, the tokenizer does not tell which is its own."""
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ImportError:
        return None
    try:
        found = try_to_load_from_cache(name, "tokenizer.json")
    except HFValidationError:
        return None
    if not isinstance(found, str):
        return None
    revisions = list(Path(found).parent.parent.glob("*/tokenizer.json"))
    return revisions[0] if len(revisions) == 1 else None


def _eos_ids(tokenizer: Any, source: Path | None) -> list[int]:
    """Return the ends of text that a tokenizer declares, and those of the generation settings it came with."""
    declared = [getattr(tokenizer, "eos_token_id", None)]
    config = getattr(tokenizer, "generation_config", None)
    declared.append(getattr(config, "eos_token_id", None))
    if source is not None:
        beside = source.with_name("generation_config.json")
        declared.append(json.loads(beside.read_bytes()).get("eos_token_id") if beside.is_file() else None)
    return [i for ids in declared if ids is not None for i in (ids if isinstance(ids, list) else [ids])]


def _cache_key(tokenizer: Any, source: Path, n: int | None, eos: tuple[int, ...]) -> bytes | None:
    """Return what identifies the tokens of a tokenizer: its file, and whatever of the object is quickly read.

    Reading every token costs more than the disk cache saves, so the object is compared with its file by a sample: the
    first, the last and every few tokens between. A file that changed since this module was imported may be another than
    the tokenizer was loaded from, hence has no key.
    """
    status = source.stat()
    if max(status.st_mtime, status.st_ctime) >= _IMPORTED:
        return None
    backend = tokenizer_bytes.backend_of(tokenizer)
    assert backend is not None
    size = backend.get_vocab_size()
    sample = [*range(0, size, 1 + size // _SAMPLES), *range(max(0, size - _SAMPLES // 8), size)]
    parts = (
        trie.LAYOUT_VERSION,
        sha256(source.read_bytes()).hexdigest(),
        (n, eos, size),
        (type(backend.model).__name__, getattr(backend.model, "byte_fallback", None)),
        (backend.decoder is None, tokenizer_bytes.decoder_state(backend)),
        tokenizer_bytes.special_tokens(tokenizer),
        tokenizer_bytes.added_tokens(tokenizer),
        list(map(backend.id_to_token, sample)),
    )
    return repr(parts).encode(errors="surrogatepass")
