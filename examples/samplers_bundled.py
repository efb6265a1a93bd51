"""Where masking leads a model astray: one extraction by four samplers, with the bundled model.

The price must be below 100. The text says 240, so masking lets the model write ``24`` and then forbids the ``0``. Of
the model's own texts, those with a price below 100 nearly all say ``2``. A picture is drawn where matplotlib is
installed.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, Field

import detent

torch.set_num_threads(1)


class Order(BaseModel):
    item: str
    quantity: int
    price: Annotated[int, Field(lt=100)]


N = 100
TEXT = "2 guitar for Leo, price 240."
lm = detent.load()
shares: dict[str, Counter[str]] = {}
for name, sampler in {
    "masking": detent.Masking(),
    "AWRS-SMC": detent.SMC(),
    "ASAp": detent.ASAp(),
    "CARS (exact)": detent.CARS(),
}.items():
    results = detent.run(lm, TEXT, Order, sampler=sampler, n=N, max_new_tokens=48, seed=0)
    shares[name] = Counter()
    weights = results.weights if results.is_weighted else [1 / N] * N
    for result, weight in zip(results, weights, strict=True):
        price = str(result.value.price) if result.finish == "stop" else "dead end"
        shares[name][price] += weight
    print(f"{name:12} log P(valid) {results.log_z:6.2f}, worth {results.ess:5.1f} texts:", end=" ")
    print(", ".join(f"{price} {share:.0%}" for price, share in shares[name].most_common(3)))

try:
    from matplotlib import pyplot
except ImportError:
    print("for a picture: pip install 'detent[plot]'")
else:
    prices = [price for price, _ in sum(shares.values(), Counter()).most_common(5)]
    figure, axes = pyplot.subplots(figsize=(8, 3.2), layout="constrained")
    exact = shares.pop("CARS (exact)")
    for i, (name, law) in enumerate({"CARS (exact)": exact, **shares}.items()):
        places = [place + 0.2 * (i - 1.5) for place in range(len(prices))]
        axes.bar(places, [law[price] for price in prices], 0.2, label=name, color="black" if i == 0 else f"C{i}")
    axes.set_xticks(range(len(prices)), [f"price {price}" for price in prices])
    axes.set_ylabel(f"share of {N} texts, weighted")
    axes.set_title(f'"{TEXT}", where a price must be below 100', fontsize="medium")
    axes.legend(frameon=False)
    path = Path(tempfile.gettempdir(), "detent-samplers-bundled.png")
    figure.savefig(path, dpi=110)
    print(path)
