"""The fuzzer: one case is a random schema, instances for it, and walks through its masks."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from traceback import walk_tb
from typing import Any

from detent import GrammarError, LimitExceeded, Unsatisfiable
from detent.automata.compiled import Grammar

from . import checks
from .engine import Engine, Options, Walk
from .instances import Sampler, spell
from .judges import Judges, parse
from .schemas import DRAFTS, subschemas, write
from .shrink import shrink

INSTANCES, WALKS, HARD_INSTANCES = 24, 3, 120
SLOW = 30.0  # seconds of processor time that one case may take
ENOUGH = SLOW / 3  # the same after which no further text is judged: many long ones are no sign of one that does not end
SHOWN = 3  # findings and disagreements of one kind that are shrunk


@dataclass(frozen=True)
class Finding:
    """Something that does not hold."""

    check: str
    schema: Any
    text: str
    options: Options
    message: str
    case: str

    def __str__(self) -> str:
        changed = {k: v for k, v in asdict(self.options).items() if v != getattr(Options(), k)}
        return f"# case {self.case}: {self.message}\n({self.check!r}, {self.schema!r}, {self.text!r}, {changed!r}),"


@dataclass
class Tally:
    """What was done and what came out."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    disagreements: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """A report."""
        yield ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        yield "refused: " + ", ".join(f"{name} {count}" for name, count in self.refused.most_common())
        yield f"the validators disagree about {sum(self.disagreements.values()):,} texts, shrunk to:"
        for signature, count in self.disagreements.most_common():
            yield f"  {count:5} {signature}   {self.examples.get(signature, '')}"


class Fuzzer:
    """Runs cases; each is determined by the seed, its number and the drafts.

    Parameters
    ----------
    engine : Engine
    seed : int
    drafts : tuple of int
    without : tuple of str
        Checks to leave out.
    """

    def __init__(
        self, engine: Engine, seed: int, drafts: tuple[int, ...] = tuple(DRAFTS), without: tuple[str, ...] = ()
    ) -> None:
        self.engine, self.seed, self.drafts, self.without = engine, seed, drafts, without
        self.tally = Tally()

    def case(self, number: int) -> None:
        """Run one case."""
        self.rng = random.Random(f"{self.seed}:{number}")
        self.name = f"{self.seed}:{number}"
        draft = self.rng.choice(self.drafts)
        schema = write(self.rng, draft)
        self.options = Options(
            order="any",
            whitespace=self.rng.choice(("flexible", "flexible", "bounded", "compact")),
            format_assertion=self.rng.random() < 0.85,
            numbers=self.rng.choice(("any",) * 9 + ("plain",)),
        )
        self.tally.counts["cases"] += 1
        try:
            with _timer(SLOW):
                self._run(schema)
        except _Slow as slow:
            if any(frame.f_code is Judges.verdicts.__code__ for frame, _ in walk_tb(slow.__traceback__)):
                self.tally.counts["judged too slowly"] += 1  # a validator takes exponential time for some recursions
            else:
                self._report("slow", schema, "", f"not done after {SLOW:.0f} s")

    def _run(self, schema: Any) -> None:
        settled = self._settle(schema)
        if settled is None:
            return
        self.schema, grammar = settled
        try:
            self.judges = Judges(self.schema, formats=self.options.format_assertion)
        except ValueError:  # no schema after all, or one that a validator cannot read
            self.tally.counts["not judged"] += 1
            return
        self._check("verdicts", "")
        sampler = Sampler(self.rng, self.schema)
        if grammar is None:
            self.tally.counts["unsatisfiable"] += 1
            for value in sampler.many(HARD_INSTANCES):
                if self._judge(text := spell(value, self.rng)):
                    self._check("unsatisfiable", text)
                    break
            return
        began = time.process_time()
        for k, value in enumerate(sampler.many(INSTANCES)):
            self._instance(grammar, value, with_orders=k % 6 == 0)
            if time.process_time() - began > ENOUGH:
                self.tally.counts["cut short"] += 1
                break
        self._walks(grammar)

    def _settle(self, schema: Any) -> tuple[Any, Grammar | None] | None:
        """Compile; leave out keywords that are refused until the rest compiles. None where that does not help."""
        while True:
            try:
                return schema, self.engine.grammar(schema, self.options)
            except Unsatisfiable:
                return schema, None
            except LimitExceeded as error:
                self.tally.refused[f"limit {error.limit}"] += 1
                return None
            except GrammarError as error:
                self.schema, keyword = schema, error.keyword or "?"
                self._check("place", "")
                self.tally.refused[keyword] += 1
                smaller = _without_keyword(schema, keyword)
                if smaller == schema:
                    self.tally.counts["given up"] += 1
                    return None
                schema = smaller
            except Exception as error:
                self._report("error", schema, "", f"compiling raises {error!r}")
                return None

    def _instance(self, grammar: Grammar, value: Any, *, with_orders: bool) -> None:
        text = spell(value, self.rng, space=self.options.whitespace == "flexible")
        valid = self._judge(text)
        if valid is None:
            return
        self.tally.counts["valid" if valid else "invalid"] += 1
        try:
            if self.rng.random() < 0.2:
                accepted = self.engine.accepts_tokens(grammar, text, self.rng)
            else:
                accepted = self.engine.accepts(grammar, text)
        except Exception as error:
            self._report("error", self.schema, text, repr(error))
            return
        if valid and self.options.numbers == "plain":
            return
        if accepted != valid:
            self._check("under" if valid else "over", text)
        elif with_orders and self.options.whitespace != "compact":
            self._check("order", text)
            if valid and len(text) < 200:
                self._check("some_order", text)

    def _walks(self, grammar: Grammar) -> None:
        by_schema = Options(**{**asdict(self.options), "order": "schema"})
        grammars = [(self.options, grammar)] * (WALKS - 1)
        if (other := self.engine.grammar_or_none(self.schema, by_schema)) is not None:
            grammars.append((by_schema, other))
        for options, each in grammars:
            try:
                walk = self.engine.walk(each, self.rng)
            except Exception as error:
                self._report("error", self.schema, "", repr(error), options)
                continue
            self.tally.counts[f"walks {walk.end}"] += 1
            self._walked(walk, options)

    def _walked(self, walk: Walk, options: Options) -> None:
        if walk.end == "done":
            text = walk.text.decode()
            self._check("strict", text, options)
            self._check("over", text, options)
            if options.order == "schema":
                self._check("order", text, options)
        for stop in (*walk.stops[-2:], *([walk.text] if walk.end != "done" else [])):
            prefix = stop.decode("utf-8", "surrogateescape")
            self.tally.counts["completions searched"] += 1
            self._check("dead", prefix, options)
        for stop in walk.stops[:2]:
            self.tally.counts["masks by steps"] += 1
            self._check("mask", stop.decode("utf-8", "surrogateescape"), options)

    def _judge(self, text: str) -> bool | None:
        """What both validators say; where they differ, that is counted by what is left of the schema."""
        value = parse(text)
        verdict = self.judges.verdict(value)
        if verdict is None:
            self._disagree(text)
        return verdict

    def _disagree(self, text: str) -> None:
        def fails(schema: Any, smaller: str) -> bool:
            return Judges(schema, formats=self.options.format_assertion).verdict(parse(smaller)) is None

        schema, text = shrink(self.schema, text, fails, 150)
        signature = "+".join(sorted(set(_keywords(schema)))) or "?"
        self.tally.disagreements[signature] += 1
        if signature not in self.tally.examples:
            both = Judges(schema, formats=self.options.format_assertion).verdicts(parse(text))
            self.tally.examples[signature] = f"{json.dumps(schema)} {text} Python, Rust: {both}"

    def _check(self, name: str, text: str, options: Options | None = None) -> None:
        if name in self.without:
            return
        options = options or self.options
        try:
            message = checks.CHECKS[name](self.engine, self.schema, text, options)
        except Exception as error:
            name, message = "error", repr(error)
        if message is not None:
            self._report(name, self.schema, text, message, options)

    def _report(self, name: str, schema: Any, text: str, message: str, options: Options | None = None) -> None:
        options = options or self.options
        check = checks.CHECKS.get(name)
        kind = f"{name}: {message[:40]}"
        self.tally.kinds[kind] += 1
        if self.tally.kinds[kind] > SHOWN * 4:
            return
        if check is not None:
            with _timer(4 * SLOW, quiet=True):
                schema, text = shrink(schema, text, lambda s, t: check(self.engine, s, t, options) is not None)
                message = check(self.engine, schema, text, options) or message
        found = Finding(name, schema, text, options, message, self.name)
        if all((f.check, f.schema) != (name, schema) for f in self.tally.findings):
            self.tally.findings.append(found)


def _keywords(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (key for key in schema if key not in ("$schema", "type"))
        for _, sub in subschemas(schema):
            yield from (key for key in _keywords(sub) if key not in ("one", "two"))


def _without_keyword(schema: Any, keyword: str) -> Any:
    """A schema without a keyword, wherever it stands as one (``if`` takes its partners along)."""
    dropped = {keyword} | ({"then", "else"} if keyword == "if" else set())
    if not isinstance(schema, dict):
        return schema
    out = {key: value for key, value in schema.items() if key not in dropped}
    for path, sub in subschemas(schema):
        if path[0] in out:
            smaller = _without_keyword(sub, keyword)
            if len(path) == 1:
                out[path[0]] = smaller  # type: ignore[index]
            else:
                held = out[path[0]]  # type: ignore[index]
                held = out[path[0]] = held.copy() if held is schema[path[0]] else held  # type: ignore[index]
                held[path[1]] = smaller
    return out


class _Slow(BaseException):
    """A case took too long; no handler of ordinary errors may swallow it."""


@contextmanager
def _timer(seconds: float, *, quiet: bool = False) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise _Slow

    before = signal.signal(signal.SIGVTALRM, ring)
    left = signal.setitimer(signal.ITIMER_VIRTUAL, seconds)[0]
    start = time.process_time()
    try:
        yield
    except _Slow:
        if not quiet:
            raise
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, max(0.01, left - time.process_time() + start) if left else 0)
        signal.signal(signal.SIGVTALRM, before)
