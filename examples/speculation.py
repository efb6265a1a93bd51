"""Several tokens for one run of the model, and the same answers: which drafts come true, and where."""

from collections import Counter
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel

import detent
from detent.speculation import to_speculation


class Ticket(BaseModel):
    summary: str
    severity: Literal["low", "normal", "high", "urgent"]
    rooms: list[int]


TEXTS = [
    "Bug: the printer is on fire. Severity: urgent. Rooms: 12, 14.",
    "Bug: no paper. Severity: low. Rooms: 3.",
    "Bug: wrong colour of the third page. Severity: normal. Rooms: 7, 8 and 9.",
]
KINDS = ["structure", "key", "text", "number", "end"]


def kinds(lm: detent.LanguageModel, tokens: list[int]) -> list[str]:
    """What each token of a flat JSON object is, by its first character that is no space."""
    found, in_string, is_key = [], False, True
    for token in tokens:
        kind = "structure"
        for char in lm.vocabulary.token_bytes(token).decode(errors="replace"):
            if char == '"':
                in_string = not in_string
            elif in_string:
                kind = "key" if is_key else "text"
            elif char.isdigit():
                kind = "number"
            is_key = is_key if in_string or char not in ":,{" else char != ":"
        found.append("end" if token in lm.vocabulary.eos_ids else kind)
    return found


lm = detent.load()
greedy = detent.Masking(temperature=0)
plain = detent.run(lm, TEXTS, Ticket, sampler=greedy)

drafters = {
    "no draft": detent.Combined(),
    "copies of the prompt": detent.PromptLookup(),
    "forced text, copies, n-grams": True,
    "a smaller model": detent.load_draft(),
    "a smaller model, other tokens": detent.load_draft(foreign=True),
}
print(f"{'drafted by':30} tokens a run | of these tokens, drafts had (%)")
print(" " * 43 + " | " + " ".join(f"{kind:>9}" for kind in KINDS))
for name, drafter in drafters.items():
    # by itself, a draft is only as long as it pays, which depends on the models; here all are equally long
    draft = replace(to_speculation(drafter, lm), length=5, adaptive=False)
    results = detent.run(lm, TEXTS, Ticket, sampler=greedy, draft=draft)
    assert [r.tokens for r in results] == [r.tokens for r in plain]
    written, drafted = Counter[str](), Counter[str]()
    for result in results:
        for kind, step in zip(kinds(lm, result.tokens), result.trace, strict=True):
            written[kind] += 1
            drafted[kind] += step.drafted
    speed = sum(r.stats.n_tokens for r in results) / sum(r.stats.n_forwards for r in results)
    shares = " ".join(f"{100 * drafted[kind] / max(1, written[kind]):9.0f}" for kind in KINDS)
    print(f"{name:30} {speed:12.2f} | {shares}")

print("\nstreamed:", end=" ")
for piece in detent.stream(lm, TEXTS[0], Ticket, sampler=greedy, draft=True):
    print(piece, end="|", flush=True)
print()
