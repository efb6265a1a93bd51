"""Typed values out of text, with the bundled model: one, several at once, and with the probability of each."""

from typing import Literal

from pydantic import BaseModel

import detent


class Ticket(BaseModel):
    summary: str
    severity: Literal["low", "normal", "high", "urgent"]


lm = detent.load()
greedy = detent.Masking(temperature=0)

ticket = detent.generate(lm, "Bug: the printer is on fire. Severity: urgent.", Ticket, sampler=greedy)
print(repr(ticket))

texts = ["Bug: no paper. Severity: low.", "Bug: wrong colour. Severity: normal."]
for result in detent.run(lm, texts, Ticket, sampler=greedy):
    shares = f"log p {result.logprob:.2f} of what was allowed, {result.log_weight:.2f} lost to the constraint"
    print(repr(result.value), f"in {result.stats.n_tokens} tokens;", shares)
