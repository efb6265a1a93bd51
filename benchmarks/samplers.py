"""What samplers cost and how true they are: weighted draws, tasks of the bundled model, batches, reuse of prefixes.

python benchmarks/samplers.py [draws | tasks | batch | reuse ...]

``draws`` stands beside genlm-control where that is installed. One thread; times are those of the process, so that a
busy machine disturbs them little.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer

import detent
from detent.model import MODEL_DIR, format_prompt

SIZES = (1024, 32_768, 128_256)


def table(title: str, *columns: str) -> Table:
    """A table whose numbers stand under each other."""
    made = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        made.add_column(column, justify="right" if i else "left")
    return made


# --------------------------------------------------------------------------------------------------------------- draws
def draws(n: int) -> Iterator[Table]:
    """One weighted draw from given logits, with a predicate that costs nothing."""
    out = table(
        f"AWRS, {n} draws; forbidden tokens hold about half of the mass",
        "tokens", "sampler", "ms a draw", "checks", "closed form", "mean weight", "true mass", "sd of weight",
    )  # fmt: skip
    for width in SIZES:
        rng = np.random.default_rng(width)
        logits = (2 * rng.standard_normal(width)).astype(np.float32)
        allowed = rng.random(width) < 0.5
        law = np.exp(logits - logits.max(), dtype=np.float64)
        law /= law.sum()
        mass = float(law[allowed].sum())
        draw: dict[str, tuple[Callable[[], tuple[float, int]], float]] = {
            "detent": (_detent(logits, allowed, None), _closed_form(law, allowed, 2)),
            "detent, 3 accepts": (_detent(logits, allowed, 3), _closed_form(law, allowed, 3)),
        }
        if (peer := _genlm(logits, allowed)) is not None:
            draw["genlm-control"] = (peer, _closed_form(law, allowed, 2))
        seconds: dict[str, list[float]] = {name: [] for name in draw}
        drawn: dict[str, list[tuple[float, int]]] = {name: [] for name in draw}
        for _ in range(n):  # side by side, so that the machine is the same for all
            for name, (action, _) in draw.items():
                start = process_time()
                drawn[name].append(action())
                seconds[name].append(process_time() - start)
        for name, (_, expected) in draw.items():
            weights, checks = np.array(drawn[name]).T
            out.add_row(
                f"{width:,}", name, f"{1e3 * np.median(seconds[name]):.3f}", f"{checks.mean():.2f}", f"{expected:.2f}",
                f"{weights.mean():.3f} ± {weights.std() / n**0.5:.3f}", f"{mass:.3f}", f"{weights.std():.2f}",
            )  # fmt: skip
    yield out


def _closed_form(law: np.ndarray, allowed: np.ndarray, accepts: int) -> float:
    """Distinct tokens that are tried until ``accepts`` draws with replacement were allowed."""
    mass = law[allowed].sum()
    tried = (1 - (mass / (mass + law[~allowed])) ** accepts).sum() + (1 - (1 - law[allowed] / mass) ** accepts).sum()
    return float(tried)


def _detent(logits: np.ndarray, allowed: np.ndarray, accepts: int | None) -> Callable[[], tuple[float, int]]:
    row, generators = torch.from_numpy(logits)[None], [np.random.default_rng(0)]

    def check(_: int, token: int) -> bool:
        return bool(allowed[token])

    def draw() -> tuple[float, int]:
        info = detent.awrs_step(row, check, generators, accepts=accepts)
        return float(np.exp(info.log_weight[0])), info.n_tries[0]

    return draw


def _genlm(logits: np.ndarray, allowed: np.ndarray) -> Callable[[], tuple[float, int]] | None:
    """The same draw by genlm-control, from the same logits, with a condition that counts how often it is asked."""
    try:
        from genlm.control import Potential
        from genlm.control.sampler.token import AWRS
    except ImportError:
        return None

    class Model(Potential):  # type: ignore[misc]
        async def prefix(self, context: Any) -> float:
            return 0.0

        complete = prefix

        async def logw_next(self, context: Any) -> Any:
            return weights

    class Condition(Potential):  # type: ignore[misc]
        asked = 0

        async def prefix(self, context: Any) -> float:
            self.asked += 1
            return 0.0 if allowed[context[-1]] else -np.inf

        async def complete(self, context: Any) -> float:
            self.asked += 1
            return 0.0 if allowed[-1] else -np.inf

    vocabulary = list(range(len(logits) - 1))  # the last logit is the end of text
    model = Model(vocabulary)
    condition = Condition(vocabulary, tables=model.tables)
    weights = model.make_lazy_weights(torch.from_numpy(logits).log_softmax(0))
    sampler = AWRS(model, condition, seed=0, autobatch=False)
    loop = asyncio.new_event_loop()

    def draw() -> tuple[float, int]:
        before = condition.asked
        _, log_weight, _ = loop.run_until_complete(sampler.sample([]))
        return float(np.exp(log_weight)), condition.asked - before

    return draw


# --------------------------------------------------------------------------------------------------------------- tasks
def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False
    }  # fmt: skip


def _adds_up(text: str) -> bool:
    order = json.loads(text)
    return bool(order["quantity"] * order["price"] == order["total"])


INTEGER = {"type": "integer"}
EXPRESSION = {"type": "string", "pattern": r"^[0-9]+( [+*-] [0-9]+){1,3}$"}
TASKS: dict[str, tuple[str, Any, Any]] = {
    "JSON extraction, a name of one word": (
        "Order for Hana Kern: 12 x kettle (8 each), total 96.",
        _object(customer={"type": "string", "pattern": "^[A-Za-z]+$"}, quantity=INTEGER, price=INTEGER),
        None,
    ),
    "arithmetic expressions": ("calc: 3 + 4", _object(calc=EXPRESSION), None),
    "a total that is quantity times price": (
        "Order for Hana: 12 x kettle (8 each), total 96.",
        _object(quantity=INTEGER, price=INTEGER, total=INTEGER),
        detent.Predicate(complete=_adds_up),
    ),
}
OPTIONS: dict[str, Any] = {"max_new_tokens": 48, "seed": 1}


class Counted:
    """The bundled model, and how many rows it has run: new tokens of one text, one or many."""

    def __init__(self) -> None:
        self.n = 0
        network = AutoModelForCausalLM.from_pretrained(MODEL_DIR, dtype=torch.float32)
        network.register_forward_pre_hook(self._count, with_kwargs=True)
        self.lm = detent.load(network, AutoTokenizer.from_pretrained(MODEL_DIR), template=format_prompt)

    def _count(self, _: Any, inputs: Any, named: Any) -> None:
        self.n += len(named["input_ids"])


SAMPLERS: dict[str, tuple[Any, int]] = {  # with how many texts one run writes
    "masking": (detent.Masking(), 0),
    "AWRS, weighted": (detent.AWRS(), 0),
    "AWRS-SMC, 8 particles": (detent.SMC(), 8),
    "AWRS-SMC, 64 particles": (detent.SMC(), 64),
    "ASAp": (detent.ASAp(), 0),
    "CARS": (detent.CARS(), 0),
}


def tasks(n: int) -> Iterator[Table]:
    """The law of each sampler against the model's own law among valid texts."""
    model = Counted()
    for name, (prompt, schema, where) in TASKS.items():
        law, log_z = reference(model.lm, prompt, schema, where)
        noise = sum((p * (1 - p) / n) ** 0.5 for p in law.values()) * (2 / np.pi) ** 0.5 / 2
        out = table(
            f"{name}: P(valid) = {np.exp(log_z):.2g}; {n} exact texts would be {noise:.2f} away",
            "sampler", "total variation", "forwards a text", "ms a text", "log P(valid)",
        )  # fmt: skip
        for title, (sampler, group) in SAMPLERS.items():
            model.n, start = 0, process_time()
            asked = [prompt] * (n // group) if group else [prompt]
            runs = detent.run(model.lm, asked, schema, n=group or n, sampler=sampler, where=where, **OPTIONS)
            seconds, written = process_time() - start, sum(map(len, runs))
            pooled: Counter[str] = Counter()
            for results in runs:
                for result, weight in zip(results, _weights(results, title), strict=True):
                    pooled[result.text if result.finish == "stop" else "dead end"] += weight
            total = sum(pooled.values()) or 1.0
            distance = sum(abs(pooled[text] / total - law.get(text, 0)) for text in {*pooled, *law}) / 2
            estimates = [results.log_z for results in runs if results.log_z is not None]
            log_mean = np.logaddexp.reduce(estimates) - np.log(len(estimates))
            out.add_row(
                title,
                f"{distance:.2f}",
                f"{model.n / written:.1f}",
                f"{1e3 * seconds / written:.1f}",
                f"{log_mean:.2f}",
            )
        yield out


def reference(lm: detent.LanguageModel, prompt: str, schema: Any, where: Any) -> tuple[dict[str, float], float]:
    """The texts that a long run of CARS finds, and what it holds to be the mass of valid texts.

    Their probabilities are known; what was not found has about the share of those found once (Good and Turing).
    """
    results = detent.run(lm, prompt, schema, n=1000, sampler=detent.CARS(), where=where, **(OPTIONS | {"seed": 99}))
    counts = Counter(result.text for result in results)
    unseen = sum(count == 1 for count in counts.values()) / len(results)
    scale = np.log1p(-unseen) - results.stats["log_lower"]
    return {result.text: float(np.exp(result.logprob + scale)) for result in results}, results.log_z


def _weights(results: Any, title: str) -> Any:
    """Masking is taken as it draws; where runs are pooled, weights are those before normalising."""
    if title == "masking":
        return np.ones(len(results))
    return np.nan_to_num(results.weights * np.exp(results.log_z)) if results.is_weighted else results.weights


# ------------------------------------------------------------------------------------------------------ batch and reuse
def batch(_: int) -> Iterator[Table]:
    """Tokens per second, one row and thirty-two."""
    lm = detent.load()
    prompt, schema, _ = TASKS["JSON extraction, a name of one word"]
    out = table("tokens a second", "sampler", "1 row", "32 rows", "ratio")
    chosen: dict[str, tuple[Any, Any]] = {
        "masking": (detent.Masking(), None),
        "AWRS, a predicate": (detent.AWRS(), lambda text: True),
        "AWRS-SMC": (detent.SMC(), None),
    }
    for name, (sampler, where) in chosen.items():
        tokens: Counter[int] = Counter()
        seconds: defaultdict[int, float] = defaultdict(float)
        for repeat in range(9):
            for n in (1, 1, 1, 32):  # in turns, so that the machine is the same for both
                start = process_time()
                results = detent.run(lm, prompt, schema, n=n, sampler=sampler, where=where, **OPTIONS)
                if repeat:  # the first round warms up
                    seconds[n] += process_time() - start
                    tokens[n] += sum(len(result.tokens) for result in results)
        one, many = (tokens[n] / seconds[n] for n in (1, 32))
        out.add_row(name, f"{one:.0f}", f"{many:.0f}", f"{many / one:.1f}")
    yield out


def reuse(_: int) -> Iterator[Table]:
    """Runs of the model on one prefix that CARS needs for a text, and would need without what it remembers."""
    lm = detent.load()
    out = table("CARS, 50 texts", "task", "attempts a text", "forwards a text", "without the trie", "ratio")
    for name, (prompt, schema, where) in TASKS.items():
        results = detent.run(lm, prompt, schema, n=50, sampler=detent.CARS(), where=where, **OPTIONS)
        stats, n = results.stats, len(results)
        out.add_row(
            name, f"{stats['attempts'] / n:.1f}", f"{stats['forwards'] / n:.1f}", f"{stats['drawn'] / n:.1f}",
            f"{stats['forwards'] / stats['drawn']:.2f}",
        )  # fmt: skip
    yield out


PARTS: dict[str, tuple[Callable[[int], Iterator[Table]], int]] = {
    "draws": (draws, 500),
    "tasks": (tasks, 256),
    "batch": (batch, 0),
    "reuse": (reuse, 0),
}


def main() -> None:
    """Print the tables that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which tables; by default all")
    parser.add_argument("-n", type=int, help="how many draws or texts")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=140)
    for name in arguments.parts or PARTS:
        part, n = PARTS[name]
        for made in part(arguments.n or n):
            console.print(made)


if __name__ == "__main__":
    main()
