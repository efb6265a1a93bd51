"""The official JSON Schema Test Suite against engines: what each judges rightly, gets wrong, or refuses.

Each instance is cut into tokens and fed through the masks; it counts as accepted when every token is in its mask and
the end is after the last. detent takes keys in any order, the others only in their own.

    git clone --depth 1 https://github.com/json-schema-org/JSON-Schema-Test-Suite suite
    python benchmarks/schema_suite.py --suite suite --out docs/coverage.json --engine detent --engine llguidance

``--out`` keeps what the file has of other engines; docs/make_json_schema.py makes its tables from it.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as Timeout
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from engines import Detent, Llguidance, XGrammar, is_allowed, load_tokenizer
from rich.console import Console
from rich.progress import track
from rich.table import Table

DRAFTS = {
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft4": "http://json-schema.org/draft-04/schema#",
}
HOST = "http://localhost:1234/"
VERDICTS = ("pass", "unsat", "under", "over", "refused", "error")
MEANING = """pass: judged rightly. unsat: the schema has no instance, and the engine says so. under: a valid instance
rejected. over: an invalid one accepted. refused: an error when compiling. error: one later, a crash, or a time-out."""


class Group(NamedTuple):
    """A schema with its instances.

    Attributes
    ----------
    draft, file : str
        Where it stands; files of optional formats begin with ``format/``.
    tests : list of (object, bool)
        Instances, and whether each is valid.
    """

    draft: str
    file: str
    schema: Any
    remotes: dict[str, Any]
    tests: list[tuple[Any, bool]]


# ------------------------------------------------------------------------------------------------------------- engines
class DetentAnyOrder(Detent):
    """This library with keys in any order, and formats as the suite means them."""

    def compile(self, schema: Any) -> None:
        options = {"remotes": self.group.remotes, "format_assertion": self.group.file.startswith("format/")}
        self.matcher = self.compiler.json_schema(schema, order="any", **options).matcher()


class Outlines:
    """github.com/dottxt-ai/outlines-core."""

    def __init__(self, tokenizer: Any) -> None:
        import outlines_core

        self.library = outlines_core
        self.name = f"outlines_core {version('outlines_core')}"
        spelled: dict[bytes, list[int]] = {}
        for token in range(len(tokenizer)):
            if token != tokenizer.eos_token_id and (text := tokenizer.decode([token])):
                spelled.setdefault(text.encode(), []).append(token)
        self.vocabulary = outlines_core.Vocabulary(tokenizer.eos_token_id, spelled)
        self.mask = np.zeros((1, (len(tokenizer) + 31) // 32), dtype=np.int32)

    def compile(self, schema: Any) -> None:
        pattern = self.library.json_schema.build_regex_from_schema(json.dumps(schema), r"[ \t\n\r]*")
        self.guide = self.library.Guide(self.library.Index(pattern, self.vocabulary))

    def reset(self) -> None:
        self.guide.reset()

    def fill(self) -> None:
        self.guide.write_mask_into(self.mask.ctypes.data, self.mask.size, 4)

    def commit(self, token: int) -> bool:
        allowed = is_allowed(self.mask, token)
        if allowed:
            self.guide.advance(token, False)
        return allowed


ENGINES: dict[str, Any] = {
    "detent": DetentAnyOrder,
    "llguidance": Llguidance,
    "xgrammar": XGrammar,
    "outlines": Outlines,
}


# --------------------------------------------------------------------------------------------------------------- suite
def read_suite(path: Path) -> Iterator[Group]:
    """The groups of a checkout of the suite, or of a packed one (``.json.gz``)."""
    if path.is_dir():
        remotes = {
            HOST + file.relative_to(path / "remotes").as_posix(): json.loads(file.read_text(encoding="utf-8"))
            for file in sorted((path / "remotes").rglob("*.json"))
        }
        files = {
            draft: {
                prefix + file.stem: json.loads(file.read_text(encoding="utf-8"))
                for folder, prefix in (("", ""), ("optional/format", "format/"))
                for file in sorted((path / "tests" / draft / folder).glob("*.json"))
            }
            for draft in DRAFTS
        }
    else:
        with gzip.open(path, "rt", encoding="utf-8") as packed:
            suite = json.load(packed)
        remotes = suite["remotes"]
        files = {
            draft: suite[draft] | {f"format/{name}": groups for name, groups in suite["format"][draft].items()}
            for draft in DRAFTS
        }
    for draft, by_file in files.items():
        for file, groups in by_file.items():
            for group in groups:
                schema = group["schema"]
                if isinstance(schema, dict) and "$schema" not in schema:
                    schema = {"$schema": DRAFTS[draft], **schema}
                needed = HOST in json.dumps(schema) or file in ("refRemote", "vocabulary")
                tests = [(test["data"], test["valid"]) for test in group["tests"]]
                yield Group(draft, file, schema, remotes if needed else {}, tests)


def encode(tokenizer: Any, value: Any) -> list[int]:
    """The tokens of an instance; a lone surrogate has only an escaped form."""
    try:
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value)
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


def judge(engine: Any, tokenizer: Any, group: Group) -> list[str]:
    """The verdict on each instance of a group."""
    engine.group = group
    try:
        engine.compile(group.schema)
        engine.reset()
        engine.fill()
    except BaseException as error:  # engines raise all kinds, those of Rust's panics included
        if isinstance(error, KeyboardInterrupt):
            raise
        none = "unsat" in f"{type(error).__name__} {error}".lower() and not any(valid for _, valid in group.tests)
        return ["unsat" if none else "refused"] * len(group.tests)
    return [verdict(engine, encode(tokenizer, value), valid, tokenizer.eos_token_id) for value, valid in group.tests]


def verdict(engine: Any, ids: list[int], valid: bool, eos: int) -> str:
    """The verdict on one instance."""
    try:
        engine.reset()
        accepted = True
        for token in ids:
            engine.fill()
            if not engine.commit(token):
                accepted = False
                break
        else:
            engine.fill()
            accepted = is_allowed(engine.mask, eos)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return "error"
    return "pass" if accepted == valid else "under" if valid else "over"


# ----------------------------------------------------------------------------------------------------------- processes
def start(name: str, folder: str | None) -> None:
    """Make the engine of a worker process."""
    global _TOKENIZER, _ENGINE
    _TOKENIZER = load_tokenizer(folder)
    _ENGINE = ENGINES[name](_TOKENIZER)


def title() -> str:
    """Name and version of the engine of this process."""
    return str(_ENGINE.name)


def work(group: Group) -> list[str]:
    """Judge a group in a worker process."""
    return judge(_ENGINE, _TOKENIZER, group)


_TOKENIZER: Any = None
_ENGINE: Any = None


def run(name: str, folder: str | None, groups: list[Group], limit: float) -> tuple[str, dict[str, Counter[str]]]:
    """Name of an engine, and its verdicts by ``draft/file``; a process that dies or takes too long is replaced."""

    def pool() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, get_context("spawn"), start, (name, folder))

    workers = pool()
    full_name = workers.submit(title).result()
    counts: dict[str, Counter[str]] = {}
    for group in track(groups, full_name, transient=True):
        try:
            verdicts = workers.submit(work, group).result(limit)
        except (Timeout, BrokenProcessPool):
            verdicts = ["error"] * len(group.tests)
            for process in list(getattr(workers, "_processes", {}).values()):
                process.kill()
            workers.shutdown(wait=False, cancel_futures=True)
            workers = pool()
        counts.setdefault(f"{group.draft}/{group.file}", Counter()).update(verdicts)
    workers.shutdown()
    return full_name, counts


def by_draft(counts: dict[str, dict[str, int]]) -> dict[str, Counter[str]]:
    """Verdicts by draft, the optional formats apart."""
    found: dict[str, Counter[str]] = {}
    for place, verdicts in counts.items():
        draft, _, file = place.partition("/")
        row = f"{draft}, formats" if file.startswith("format/") else draft
        found.setdefault(row, Counter()).update(verdicts)
    return dict(sorted(found.items(), key=lambda item: "formats" in item[0]))


def table(name: str, counts: dict[str, dict[str, int]]) -> Table:
    """One row per draft."""
    out = Table("", "tests", *VERDICTS, title=name)
    for column in out.columns[1:]:
        column.justify = "right"
    for row, verdicts in by_draft(counts).items():
        out.add_row(row, str(verdicts.total()), *(str(verdicts[verdict] or "-") for verdict in VERDICTS))
    return out


def dump(results: dict[str, dict[str, dict[str, int]]]) -> str:
    """The results as JSON, one line per draft and file."""
    engines = []
    for name, counts in sorted(results.items()):
        rows = ",\n".join(
            f"  {json.dumps(place)}: {json.dumps(counts[place], sort_keys=True)}" for place in sorted(counts)
        )
        engines.append(f" {json.dumps(name)}: {{\n{rows}\n }}")
    return "{\n" + ",\n".join(engines) + "\n}\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--suite", type=Path, required=True, help="a checkout of the suite, or its packed form (.json.gz)"
    )
    parser.add_argument("--engine", action="append", choices=ENGINES, help="may be given more than once")
    parser.add_argument("--tokenizer", help="a folder in Hugging Face form; by default the bundled model's")
    parser.add_argument("--limit", type=float, default=20, help="seconds for one schema")
    parser.add_argument("--out", type=Path, help="a JSON file that takes the counts by draft and file")
    arguments = parser.parse_args()
    groups = list(read_suite(arguments.suite))
    console = Console()
    results: dict[str, Any] = {}
    if arguments.out is not None and arguments.out.exists():
        results = json.loads(arguments.out.read_text(encoding="utf-8"))
    for name in arguments.engine or ["detent"]:
        full_name, counts = run(name, arguments.tokenizer, groups, arguments.limit)
        console.print(table(full_name, counts))
        results = {other: kept for other, kept in results.items() if other.split()[0] != full_name.split()[0]}
        results[full_name] = counts
        if arguments.out is not None:
            arguments.out.write_text(dump(results), encoding="utf-8")
    console.print(MEANING)


if __name__ == "__main__":
    main()
