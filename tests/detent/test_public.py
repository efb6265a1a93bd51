"""The public face: lazy, complete and documented."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import detent


@pytest.mark.parametrize("name", detent.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(detent, name).__doc__
    assert name in dir(detent)


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = detent.nothing


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(detent.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == set(detent.__all__) == set(detent._HOME)


def test_import_loads_no_heavy_library() -> None:
    code = "import sys, detent; print(*{'torch', 'numba', 'transformers', 'pydantic', 'rich'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
