"""Any function from ids to logits is a model: here one that knows no better than to count letters."""

import torch

import detent

ALPHABET = [bytes([value]) for value in range(256)]
END = len(ALPHABET)


def model(ids: torch.Tensor) -> torch.Tensor:
    """Prefer the letters that the text already has; ids are [rows, length], logits [rows, vocabulary]."""
    counts = torch.zeros(len(ids), END + 1)
    return counts.scatter_add_(1, ids, torch.ones_like(ids, dtype=counts.dtype))


vocabulary = detent.Vocabulary.from_tokens([*ALPHABET, None], eos=[END])
lm = detent.load(model, vocabulary, encode=lambda text: list(text.encode()))

answers = ["yes", "no", "perhaps"]
results = detent.run(lm, ["so many s, yes yes yes"] * 5, {"enum": answers}, seed=1, whitespace="compact")
for result in results:
    print(result.text, f"log p {result.logprob:.2f} among what was allowed, log weight {result.log_weight:.2f}")
