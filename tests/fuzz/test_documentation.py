"""The page about JSON Schema describes every keyword and format that the code knows, and no other."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_speaks_of_every_keyword() -> None:
    script = runpy.run_path(str(DOCS / "make_json_schema.py"))
    written = script["page"]()
    assert all(f"| `{name}` |" in written for name in (*script["KEYWORDS"], *script["SOURCES"]))
