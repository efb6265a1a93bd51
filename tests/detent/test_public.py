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
    assert run_python("-c", code) == ""


def test_loading_every_name_warns_of_nothing() -> None:
    own = "import detent; print(*(name for name in detent.__all__ if getattr(detent, name).__module__[:6] != 'detent'))"
    assert run_python("-W", "error", "-W", "ignore::DeprecationWarning", "-c", own) == ""


def test_the_engine_needs_no_torch() -> None:
    code = (
        "import sys, detent; v = detent.Vocabulary.from_tokens([*(bytes([i]) for i in range(256)), None], eos=[256]);"
        "m = detent.Compiler(v).json_schema({'const': 1}).matcher(); m.fill_bitmask(detent.allocate_bitmask(1, 257));"
        "print(*{'torch', 'transformers'} & sys.modules.keys())"
    )
    assert run_python("-c", code) == ""


def test_what_needs_torch_says_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; import detent\n"
    code += "try: detent.load\nexcept ImportError as error: print(error)"
    assert run_python("-c", code) == "detent.load needs torch: pip install 'detent[hf]'"


def run_python(*arguments: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
