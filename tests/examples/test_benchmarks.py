"""The benchmarks: the pack is right about this engine, and the tables can be made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def maskbench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield __import__("maskbench")
    for name in ("maskbench", "engines"):
        sys.modules.pop(name, None)


def test_every_schema_of_the_pack_passes(maskbench: Any) -> None:
    tokenizer = maskbench.load_tokenizer(None)
    engine = maskbench.ENGINES["detent"](tokenizer)
    lines = maskbench.read_pack(maskbench.PACK, None, 0)
    measured = [maskbench.measure(engine, tokenizer, line) for line in lines]
    assert [line["id"] for line, row in zip(lines, measured, strict=True) if not row.passing] == []


def test_the_pack_is_what_its_script_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    everyday = __import__("everyday")
    written = everyday.PACK.read_text(encoding="utf-8")
    monkeypatch.setattr(everyday, "PACK", tmp_path / "pack.jsonl")
    everyday.main()
    assert everyday.PACK.read_text(encoding="utf-8") == written


def test_wrong_answers_are_counted(maskbench: Any) -> None:
    row = maskbench.Measured(first_mask=1.0, masks=[1.0, 3.0], over=True)
    assert not row.passing and maskbench.tally([row])["schemas with invalid accepted"] == "1"
    worker = type("Worker", (), {"title": "engine", "setup": 0.1})
    table = maskbench.table([worker, worker], [[row], [row]])
    assert table.row_count == 9 + 2 * (1 + len(maskbench.PERCENTILES))


def test_the_tables_of_the_samplers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    samplers = __import__("samplers")
    (drawn,) = samplers.draws(3)
    assert drawn.row_count >= 2 * len(samplers.SIZES)
    (reused,) = samplers.reuse(0)
    assert all(float(ratio) <= 0.5 for ratio in reused.columns[-1].cells)
    sys.modules.pop("samplers")


def test_the_laws_of_samplers_in_many_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    laws = __import__("sampler_laws")
    monkeypatch.setattr(sys, "argv", ["sampler_laws", "edges", "tries", "--scale", "0.05"])
    assert laws.main() == 0
    monkeypatch.setitem(laws.PARTS, "edges", lambda: [laws.Line("", 9, False, lambda n: [laws.Finding("", 0, 1)])])
    assert laws.main() == 1
    sys.modules.pop("sampler_laws")


def test_the_grammars_take_their_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    grammars = __import__("grammars")
    tokenizer = grammars.load_tokenizer(None)
    engines = {"detent": grammars.ENGINES["detent"](tokenizer)}
    for case in grammars.in_notations():
        one = grammars.measure(engines, case, tokenizer)["detent"]
        assert not one.error and one.wrong == 0 and len(one.again) == len(one.masks) > 10, case.name
    for name in ("grammars", "engines"):
        sys.modules.pop(name, None)
