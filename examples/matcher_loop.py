"""The engine by hand: masks, accepted and refused tokens, rollback."""

import numpy as np

import detent

vocabulary = detent.Vocabulary.from_tokens(
    [b'{"', b'"}', b'": ', b"ok", b"true", *(bytes([i]) for i in range(256)), None], eos=[261]
)
compiler = detent.Compiler(vocabulary)
schema = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
matcher = compiler.json_schema(schema, whitespace="bounded").matcher()
mask = detent.allocate_bitmask(1, len(vocabulary))


def allowed() -> list[bytes]:
    matcher.fill_bitmask(mask)
    ids = np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little"))
    return [vocabulary.token_bytes(int(token)) or b"<end>" for token in ids]


for token in (0, 3, 2, 4):
    print(allowed(), "->", vocabulary.token_bytes(token))
    assert matcher.accept(token)
print("refused:", not matcher.accept(ord("x") + 5), "complete:", matcher.is_complete())
matcher.rollback(1)
print(allowed())
