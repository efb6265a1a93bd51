"""Four samplers against the law they should follow, on a model small enough to know everything about it.

The model likes to begin with ``a``, but what it would write behind an ``a`` is nearly all forbidden. Masking does not
see that coming. A picture is drawn where matplotlib is installed (``detent[plot]``).
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import torch

import detent

LETTERS, LIMIT = "ab", 4
vocabulary = detent.Vocabulary.from_tokens([b"a", b"b", None], eos=[2])


def scores(text: str) -> list[float]:
    """The logits of a, b and the end."""
    if not text:
        return [2.5, 0.0, -9.0]
    return [0.0, 4.0, 0.0] if text[0] == "a" else [0.5, 0.2, 1.0]


def model(ids: torch.Tensor) -> torch.Tensor:
    return torch.tensor([scores("".join(LETTERS[i] for i in row[1:])) for row in ids.tolist()])


def allowed(text: str) -> bool:
    """No ``b`` in a text that begins with ``a``."""
    return not (text.startswith("a") and "b" in text)


def true_law() -> dict[str, float]:
    """The model's own law among valid texts, by enumeration."""
    masses, stack = {}, [("", 1.0)]
    while stack:
        text, mass = stack.pop()
        law = torch.tensor(scores(text), dtype=torch.float64).softmax(0).tolist()
        if text and allowed(text):
            masses[text] = mass * law[2]
        if len(text) < LIMIT - 1:
            stack += [(text + LETTERS[i], mass * law[i]) for i in (0, 1) if allowed(text + LETTERS[i])]
    total = sum(masses.values())
    return {text: mass / total for text, mass in sorted(masses.items(), key=lambda item: -item[1])}


def sampled_law(sampler: object, n: int) -> dict[str, float]:
    """The weighted shares of the texts of one run."""
    lm = detent.load(model, vocabulary)
    results = detent.run(lm, [2], where=allowed, sampler=sampler, n=n, max_new_tokens=LIMIT, seed=0)
    shares: Counter[str] = Counter()
    weights = results.weights if results.is_weighted else [1 / n] * n
    for result, weight in zip(results, weights, strict=True):
        shares[result.text] += weight
    return shares


laws = {"true law": true_law()}
for name, sampler in {
    "masking": detent.Masking(),
    "AWRS-SMC": detent.SMC(),
    "ASAp": detent.ASAp(),
    "CARS": detent.CARS(),
}.items():
    laws[name] = sampled_law(sampler, 1000)

texts = list(laws["true law"])
print(f"{'text':10}", *(f"{name:>10}" for name in laws))
for text in texts:
    print(f"{text:10}", *(f"{law.get(text, 0):10.3f}" for law in laws.values()))
distances = {
    name: sum(abs(law.get(text, 0) - p) for text, p in laws["true law"].items()) / 2 for name, law in laws.items()
}
print(f"{'distance':10}", *(f"{distance:10.3f}" for distance in distances.values()))

try:
    from matplotlib import pyplot
except ImportError:
    print("for a picture: pip install 'detent[plot]'")
else:
    figure, axes = pyplot.subplots(figsize=(8, 3.2), layout="constrained")
    for i, (name, law) in enumerate(laws.items()):
        places = [place + 0.16 * (i - 2) for place in range(len(texts))]
        label = f"{name}, {distances[name]:.2f} away" if i else name
        axes.bar(places, [law.get(text, 0) for text in texts], 0.16, label=label, color=f"C{i}" if i else "black")
    axes.set_xticks(range(len(texts)), texts, family="monospace")
    axes.set_ylabel("probability")
    axes.set_title("all valid texts: no b behind an a at the beginning", fontsize="medium")
    axes.legend(frameon=False)
    path = Path(tempfile.gettempdir(), "detent-samplers-toy.png")
    figure.savefig(path, dpi=110)
    print(path)
