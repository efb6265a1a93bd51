from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
import tiktoken
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, LlamaTokenizer, PreTrainedTokenizerFast
from transformers.tokenization_utils_base import generate_merges
from transformers.tokenization_utils_sentencepiece import SentencePieceBackend

from detent.automata import tokenizer_bytes, vocabulary
from detent.automata.vocabulary import Vocabulary
from detent.grammar.errors import VocabularyError
from detent.native import trie

SHARED = Path(__file__).parents[3] / "shared" / "data" / "tokenizers"
TEXTS = [
    "",
    "a",
    "Hello, world! It's 12345.67 o'clock; don't panic.",
    "Grüße, naïve café, Ωμέγα, Привет",
    "日本語テキスト 한국어 ไทย عربى",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 👩‍👩‍👧‍👦 🇩🇪 \U0010ffff",
    " leading, trailing ",
    "a  b   c    d\t\te\n\n\nf \n \r\n\t g",
    'def f(x):\n    return {"k": [1, -2.5e3, null], \'s\': "\\u00e9\\n"}  # note\n\n\n',
    "".join(map(chr, range(128))),
    "\x00\x01\x7f\x80\x85\xa0\xad\u200b\u2028\ufeff",
    "<0x0A> ▁ Ġ Ċ <s> </s> <unk>",
]
CORPUS = [text for text in TEXTS if "<0x0A>" not in text] * 3


def spell(v: Vocabulary, ids: list[int]) -> bytes:
    return b"".join(map(v.token_bytes, ids))


def trie_tokens(v: Vocabulary) -> list[int]:
    """The token ids that the trie holds."""
    position, n_nodes = v.packed[trie.V_TOKFIRST], v.packed[trie.V_NODES]
    start, count = v.packed[trie.V_TOKIDS], v.packed[position + n_nodes]
    return sorted(v.packed[start : start + count].tolist())


def byte_level(**trainer: Any) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    options = {"vocab_size": 400, "special_tokens": ["<|end|>"], "show_progress": False} | trainer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(initial_alphabet=alphabet, **options))
    return tokenizer


def byte_fallback() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=pieces, show_progress=False)
    tokenizer.train_from_iterator(["some words of plain text, in some order"] * 4, trainer)
    # Only a model that is made anew takes the byte pieces for its own instead of special tokens.
    saved = json.loads(tokenizer.to_str())
    saved["added_tokens"] = saved["added_tokens"][:3]
    return Tokenizer.from_str(json.dumps(saved))


@pytest.fixture(scope="module")
def sentencepiece_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("sentencepiece") / "tokenizer"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["some words of plain text", "Grüße", "1 2 3"] * 20),
        model_prefix=str(prefix),
        model_type="bpe",
        vocab_size=320,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
    )
    return prefix.with_suffix(".model")


# --- the bytes of the tokens spell the text -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["r50k_base", "cl100k_base", "o200k_base"])
def test_public_tokenizers_spell_their_texts(name: str) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip("the shared tokenizers are not here")
    tokenizer = AutoTokenizer.from_pretrained(SHARED / name)
    v = Vocabulary.from_transformers(tokenizer, cache_dir=False)
    for text in TEXTS:
        assert spell(v, tokenizer.encode(text, add_special_tokens=False)) == text.encode()
    assert len(v) == len(tokenizer)
    assert v.eos_ids == (tokenizer.eos_token_id,)
    assert v.spellable_bytes.all()
    assert trie_tokens(v) == [i for i in range(len(v)) if v.token_bytes(i)]


@pytest.mark.parametrize("in_sequence", [False, True])
def test_byte_level(in_sequence: bool) -> None:
    tokenizer = byte_level()
    if in_sequence:
        tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Fuse()])
    v = Vocabulary.from_transformers(tokenizer)
    for text in TEXTS:
        assert spell(v, tokenizer.encode(text).ids) == text.encode()
    assert v.spellable_bytes.all()


def test_byte_level_without_decoder_is_told_by_the_pre_tokenizer() -> None:
    tokenizer = byte_level()
    tokenizer.decoder = None
    assert Vocabulary.from_transformers(tokenizer) == Vocabulary.from_transformers(byte_level())


def test_byte_fallback() -> None:
    tokenizer = byte_fallback()
    v = Vocabulary.from_transformers(tokenizer, eos=[2])
    for text in TEXTS[1:-1]:
        assert spell(v, tokenizer.encode(text).ids) == b" " + text.encode()
    assert v.special == {"<unk>": 0, "<s>": 1, "</s>": 2}
    assert v.token_bytes(tokenizer.token_to_id("<0x0A>")) == b"\n"
    assert v.spellable_bytes.all()


def test_sentencepiece_model(sentencepiece_model: Path) -> None:
    tokenizer = SentencePieceBackend(
        vocab_file=str(sentencepiece_model), unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.add_tokens(["<tool>"])
    model = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_model))
    v = Vocabulary.from_transformers(tokenizer)
    for text in TEXTS[1:-1]:
        assert spell(v, model.encode(text)) == b" " + text.encode()
    assert len(v) == len(tokenizer) == model.get_piece_size() + 1
    assert v.special == {"<unk>": 0, "<s>": 1, "</s>": 2}
    assert v.eos_ids == (2,)
    assert v.token_bytes(len(v) - 1) == b"<tool>"


def test_sentencepiece_model_converted(sentencepiece_model: Path) -> None:
    model = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_model))
    pieces = {model.id_to_piece(i): i for i in range(model.get_piece_size())}
    merges = generate_merges(pieces, {piece: model.get_score(i) for piece, i in pieces.items()})
    tokenizer = LlamaTokenizer(vocab=pieces, merges=merges)
    v = Vocabulary.from_transformers(tokenizer)
    for text in TEXTS[1:-1]:
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert spell(v, ids) == (b"" if text.startswith(" ") else b" ") + text.encode()
    slow = SentencePieceBackend(
        vocab_file=str(sentencepiece_model), unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    assert v == Vocabulary.from_transformers(slow)


def test_tiktoken() -> None:
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"he": 256, b"llo": 257, b"\xf0\x9f": 258}
    special = {"<|endoftext|>": 260, "<|fim|>": 262}
    encoding = tiktoken.Encoding("small", pat_str=r"\S+|\s+", mergeable_ranks=ranks, special_tokens=special)
    v = Vocabulary.from_tiktoken(encoding, n=270)
    for text in TEXTS:
        assert spell(v, encoding.encode(text, disallowed_special=())) == text.encode()
    assert len(v) == 270
    assert v.special == special
    assert v.eos_ids == (260,)
    assert v.token_bytes(258) == b"\xf0\x9f"
    assert trie_tokens(v) == list(range(259))
    assert Vocabulary.from_tiktoken(encoding, eos=[262]).eos_ids == (262,)


# --- which tokens spell nothing -------------------------------------------------------------------------------------


def test_tokens_as_given() -> None:
    euro = "€".encode()
    tokens = [b"a", b"", None, b"a", euro[:1], euro[1:], b"</s>", b"ab", b"<pad>"]
    v = Vocabulary.from_tokens(tokens, eos=[6, 10, 6], special={"<pad>": 8}, n=12)
    assert len(v) == 12
    assert [v.token_bytes(i) for i in range(12)] == [
        b"a",
        b"",
        b"",
        b"a",
        *(euro[:1], euro[1:]),
        b"",
        b"ab",
        *[b""] * 4,
    ]
    assert v.eos_ids == (6, 10)
    assert v.special == {"<pad>": 8}
    assert trie_tokens(v) == [0, 3, 4, 5, 7]
    assert np.flatnonzero(v.spellable_bytes).tolist() == [ord("a"), euro[0]]
    for outside in (-1, 12):
        with pytest.raises(IndexError):
            v.token_bytes(outside)


def test_n_must_hold_the_tokens() -> None:
    with pytest.raises(VocabularyError, match="n = 1 logits are fewer than the 2 tokens"):
        Vocabulary.from_tokens([b"a", b"b"], n=1)
    with pytest.raises(VocabularyError, match="special token 5 is not one of 2 logits"):
        Vocabulary.from_tokens([b"a", b"b"], eos=[5])
    with pytest.raises(VocabularyError, match="special token -1"):
        Vocabulary.from_tokens([b"a", b"b"], special={"x": -1})


def test_fingerprint_tells_vocabularies_apart() -> None:
    base: dict[str, Any] = {"tokens": [b"ab", b"c", b""], "eos": [2], "special": {"x": 2}, "n": 4}
    v = Vocabulary.from_tokens(**base)
    assert v == Vocabulary.from_tokens(**base)
    assert hash(v) == hash(Vocabulary.from_tokens(**base))
    others = [
        {"tokens": [b"a", b"bc", b""]},
        {"eos": [3]},
        {"eos": []},
        {"special": {}},
        {"special": {"y": 2}},
        {"n": 5},
    ]
    assert len({v, *(Vocabulary.from_tokens(**base | other) for other in others)}) == 1 + len(others)
    assert v != "something else"


def test_added_tokens() -> None:
    backend = byte_level()
    backend.add_special_tokens(["<|user|>"])
    backend.add_tokens([AddedToken("<tool>", normalized=False), "<é▁Ġ>", "  "])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>", pad_token="!")
    v = Vocabulary.from_transformers(tokenizer, n=500)
    for text in ("call <tool> now", "<é▁Ġ>x", "a  b"):
        assert spell(v, tokenizer.encode(text)) == text.encode()
    for name in ("<|end|>", "<|user|>"):
        assert v.token_bytes(v.special[name]) == b""
    assert v.eos_ids == (v.special["<|end|>"],)
    assert trie_tokens(v) == [i for i in range(len(v)) if v.token_bytes(i)]


def test_an_added_token_of_the_model_is_read_like_its_others() -> None:
    pieces = {"<unk>": 0, "▁": 1, "a": 2, "▁▁": 3, "é": 4}
    tokenizer = Tokenizer(models.BPE(pieces, [("▁", "▁")], unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
    tokenizer.add_tokens([AddedToken("▁▁", normalized=False), AddedToken("▁▁▁", normalized=False)])
    v = Vocabulary.from_transformers(tokenizer)
    assert [v.token_bytes(i) for i in range(6)] == [b"", b" ", b"a", b"  ", "é".encode(), "▁▁▁".encode()]


def test_a_role_is_special_but_padding_is_not() -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=byte_level(), eos_token="<|end|>")
    tokenizer.pad_token, tokenizer.bos_token = "!", "#"
    v = Vocabulary.from_transformers(tokenizer)
    assert v.token_bytes(tokenizer.convert_tokens_to_ids("!")) == b"!"
    assert v.token_bytes(tokenizer.convert_tokens_to_ids("#")) == b""


def test_ids_may_have_gaps() -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0, "b": 7}, []))
    v = Vocabulary.from_transformers(tokenizer)
    assert len(v) == 8
    assert trie_tokens(v) == [0, 7]


def test_generation_settings_name_more_ends(tmp_path: Path) -> None:
    PreTrainedTokenizerFast(tokenizer_object=byte_level(), eos_token="<|end|>").save_pretrained(tmp_path)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [0, 7, 9]}')
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert Vocabulary.from_transformers(tokenizer).eos_ids == (0, 7, 9)
    assert Vocabulary.from_transformers(tokenizer, eos=[3]).eos_ids == (3,)


@pytest.mark.parametrize(
    "decoder",
    [
        decoders.WordPiece(),
        decoders.BPEDecoder(),
        decoders.Strip(" ", 1, 0),
        decoders.Sequence([decoders.ByteLevel(), decoders.Replace("a", "b")]),
    ],
)
def test_decoders_that_do_not_concatenate_are_refused(decoder: Any) -> None:
    tokenizer = byte_level()
    tokenizer.decoder = decoder
    with pytest.raises(VocabularyError, match="not known for a tokenizer with the decoder"):
        Vocabulary.from_transformers(tokenizer)


def test_tokenizers_of_other_kinds_are_refused() -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(VocabularyError, match="no decoder"):
        Vocabulary.from_transformers(tokenizer)
    with pytest.raises(VocabularyError, match="object does not say which bytes"):
        Vocabulary.from_transformers(object())


# --- the disk cache -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved tokenizer, as if it had been there before this process."""
    monkeypatch.setattr(vocabulary, "_IMPORTED", float("inf"))
    save(byte_level(), tmp_path / "tokenizer")
    return tmp_path / "tokenizer"


def save(backend: Tokenizer, folder: Path) -> None:
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>").save_pretrained(folder)


def load(folder: Path) -> Any:
    return PreTrainedTokenizerFast.from_pretrained(folder)


def cached(tokenizer: Any, folder: Path, **options: Any) -> Vocabulary:
    return Vocabulary.from_transformers(tokenizer, cache_dir=folder.parent / "cache", **options)


def entries(folder: Path) -> list[Path]:
    return list((folder.parent / "cache").glob("*"))


def test_the_cache_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = cached(load(folder), folder)
    monkeypatch.delattr(tokenizer_bytes, "read_tokens")
    v = cached(load(folder), folder)
    assert v == built
    assert (v.eos_ids, v.special) == (built.eos_ids, built.special)
    np.testing.assert_array_equal(v.packed, built.packed)


def test_a_damaged_entry_is_rebuilt(folder: Path) -> None:
    built = cached(load(folder), folder)
    (entry,) = entries(folder)
    entry.write_bytes(entry.read_bytes()[:-100])
    assert cached(load(folder), folder) == built
    assert cached(load(folder), folder) == built
    assert entries(folder) == [entry]


def add_token(tokenizer: Any) -> None:
    tokenizer.add_tokens(["<tool>"])


def add_special_token(tokenizer: Any) -> None:
    tokenizer.add_special_tokens({"additional_special_tokens": ["!"]})


def end_elsewhere(tokenizer: Any) -> None:
    tokenizer.eos_token = "#"


def decode_otherwise(tokenizer: Any) -> None:
    tokenizer.backend_tokenizer.decoder = decoders.Sequence([decoders.Replace("!", " "), decoders.Fuse()])


def other_model(tokenizer: Any) -> None:
    tokenizer.backend_tokenizer.model = byte_level(vocab_size=300).model


@pytest.mark.parametrize("change", [add_token, add_special_token, end_elsewhere, decode_otherwise, other_model])
def test_a_changed_tokenizer_misses(change: Any, folder: Path) -> None:
    cached(load(folder), folder)
    tokenizer = load(folder)
    change(tokenizer)
    changed = cached(tokenizer, folder)
    assert changed == Vocabulary.from_transformers(tokenizer, cache_dir=False)
    assert changed != cached(load(folder), folder)


def test_a_tokenizer_trained_anew_misses(folder: Path) -> None:
    built = cached(load(folder), folder)
    tokenizer = load(folder).train_new_from_iterator(["other words"] * 5, vocab_size=len(built), show_progress=False)
    assert cached(tokenizer, folder) == Vocabulary.from_transformers(tokenizer, cache_dir=False) != built


def test_a_changed_file_misses(folder: Path) -> None:
    built = cached(load(folder), folder)
    save(byte_level(vocab_size=390), folder)
    tokenizer = load(folder)
    assert cached(tokenizer, folder) == Vocabulary.from_transformers(tokenizer, cache_dir=False) != built


def test_n_and_eos_are_part_of_the_key(folder: Path) -> None:
    tokenizer = load(folder)
    assert len({cached(tokenizer, folder), cached(tokenizer, folder, n=512), cached(tokenizer, folder, eos=[5])}) == 3
    assert len(cached(tokenizer, folder, n=512)) == 512


def test_a_file_that_changed_since_the_start_is_not_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_IMPORTED", os.stat(folder / "tokenizer.json").st_mtime)
    cached(load(folder), folder)
    assert not entries(folder)


def test_a_model_of_the_hub_is_cached_if_its_revision_is_certain(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = folder.parent / "hub" / "models--org--name"
    (hub / "refs").mkdir(parents=True)
    (hub / "refs" / "main").write_text("a1")
    save(byte_level(), hub / "snapshots" / "a1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub.parent))
    tokenizer = load(hub / "snapshots" / "a1")
    tokenizer.name_or_path = "org/name"
    cached(tokenizer, folder)
    assert len(entries(folder)) == 1
    save(byte_level(vocab_size=300), hub / "snapshots" / "b2")
    cached(tokenizer, folder, n=500)
    assert len(entries(folder)) == 1
