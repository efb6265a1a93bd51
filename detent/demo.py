"""The demonstration: typed objects out of small texts, and what the constraint is worth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from detent.generation import run
from detent.models import LanguageModel, load
from detent.results import Result
from detent.sampler.masking import Masking

BATCH = 25
MAX_NEW_TOKENS = 128


Line = Annotated[str, Field(max_length=40)]
Lines = Annotated[list[Line], Field(max_length=5)]
Count = Annotated[int, Field(ge=0, lt=1000)]


class Person(BaseModel):
    name: Line
    age: Count
    city: Line


class Order(BaseModel):
    customer: Line
    quantity: Count
    item: Line
    price: float


class Meeting(BaseModel):
    title: Line
    day: date
    attendees: Lines


class Ticket(BaseModel):
    summary: Line
    severity: Literal["low", "normal", "high", "urgent"]
    labels: Lines


class Reading(BaseModel):
    sensor: Line
    value: float
    alarm: bool


TEXTS: list[tuple[str, Any]] = [
    ("Nora is 34 years old and lives in Lisbon.", Person),
    ("Meet Omar (51), baker in Turin.", Person),
    ("My name is Zoe, I am 27 and I live in Kyoto.", Person),
    ("Viktor ordered 3 lamp at 19.90 each, to be sent to Basel.", Order),
    ("Order for Hana: 12 x kettle (8.5 each).", Order),
    ("2 guitar for Leo, price 240.", Order),
    ("Meeting about quarterly budget at 14:30 on 2025-03-14 with Ada and Ravi.", Meeting),
    ("On 2024-11-05 Clara will speak about garden tools in Oslo.", Meeting),
    ("Bug: printer drops every second page. Severity: high. Labels: printer, paper.", Ticket),
    ("[urgent] login: nobody can sign in. Labels: login, server.", Ticket),
    ("At 06:15 sensor KX-20 measured 21.5 degrees, alarm: no.", Reading),
    ("R-7: 88.1 degrees, alarm: yes", Reading),
]


def show(samples: int, seed: int, console: Console) -> None:
    """Run the demonstration.

    Parameters
    ----------
    samples : int
        How many texts are sampled at temperature 1, with the constraint and again without it.
    seed : int
        Makes the demonstration reproducible.
    console : rich.console.Console
        Where it is shown.
    """
    with console.status("Loading the model and its vocabulary; kernels are compiled once, on the first run ..."):
        lm = load()
        run(lm, TEXTS[0][0], Person, max_new_tokens=MAX_NEW_TOKENS, seed=seed)
    console.print(_extractions(lm, seed))
    console.print(_comparison(lm, samples, seed, console))


def _extractions(lm: LanguageModel, seed: int) -> Table:
    table = Table("text", "object", "tokens", "forced", "µs a mask", title="Greedy extraction", show_lines=True)
    for column in table.columns[2:]:
        column.justify = "right"
    for text, spec in TEXTS:
        result = run(lm, text, spec, sampler=Masking(temperature=0), max_new_tokens=MAX_NEW_TOKENS, seed=seed)
        stats = result.stats
        microseconds = 1e6 * stats.mask_seconds / stats.n_masks
        shown = repr(result.value if result.error is None else result.error)
        table.add_row(Text(text), Text(shown), str(stats.n_tokens), str(stats.n_forced), f"{microseconds:.1f}")
    return table


def _comparison(lm: LanguageModel, samples: int, seed: int, console: Console) -> Table:
    table = Table("", "valid objects", "tokens a second", title=f"{samples} samples at temperature 1")
    with Progress(console=console, transient=True) as progress:
        for label, constrained in (("with the constraint", True), ("without", False)):
            bar = progress.add_task(label, total=samples)
            results, seconds = [], 0.0
            for batch in _sampled(lm, samples, seed, constrained):
                results += batch
                seconds += sum(r.stats.model_seconds + r.stats.mask_seconds for r in batch)
                progress.advance(bar, len(batch))
            valid = sum(result.error is None for result in results) / len(results)
            speed = sum(result.stats.n_tokens for result in results) / seconds
            table.add_row(label, f"{valid:.1%}", f"{speed:.0f}")
    return table


def _sampled(lm: LanguageModel, samples: int, seed: int, constrained: bool) -> Iterator[list[Result[Any]]]:
    """Sample the texts in turn, those of one type together."""
    by_type: dict[Any, list[str]] = {}
    for i in range(samples):
        text, spec = TEXTS[i % len(TEXTS)]
        by_type.setdefault(spec, []).append(text)
    for spec, texts in by_type.items():
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            options: dict[str, Any] = {"seed": seed + start, "constrained": constrained}
            yield run(lm, batch, spec, max_new_tokens=MAX_NEW_TOKENS, batch_size=BATCH, **options)
