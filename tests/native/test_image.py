"""The image of the kernels: whether it holds them all, and whether what it holds is right."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from hashlib import sha1
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numba import config, njit

import detent.native
from detent.native import files, jit
from detent.native.image import gather, image_name, source_digest

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")
FOLDER = Path(str(detent.native.__file__)).parent
ALONE = """
from numba.core.registry import CPUDispatcher
from detent.native import arena, jit
assert jit._images[""] is not None
print(isinstance(arena.mix, CPUDispatcher), arena.mix(1, 2))
"""


def test_every_kernel_is_loaded_from_the_image() -> None:
    assert jit._images[""] is not None
    for module in pkgutil.iter_modules([str(FOLDER)]):
        importlib.import_module(f"detent.native.{module.name}")
    assert not jit._compiled


def test_kernels_that_are_not_in_the_image_are_read_one_by_one(tmp_path: Path) -> None:
    """An empty image: what remains where Numba's files cannot be gathered."""
    sources = f"kernels-{source_digest()}"
    folder = tmp_path / f"native_{sha1(str(FOLDER).encode()).hexdigest()}" / sources  # where Numba would look
    files.write(folder / image_name(sources, ""), gather({}, set()))
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ALONE], env=environment, capture_output=True, text=True, check=True)
    from detent.native.arena import mix

    assert done.stdout.split() == ["True", str(mix(1, 2))]
    assert "compiling" not in done.stderr


def test_only_types_of_arrays_may_be_constants() -> None:
    symbols = SimpleNamespace(llvm_func_name="f", llvm_cpython_wrapper_name="w", env_name="e")
    environment = SimpleNamespace(consts=[np.dtype(np.int64), "text"])
    content = ("f", "object", (b"", b"")), symbols, environment
    kept = SimpleNamespace(_load_index=lambda: {"key": "place"}, _load_data=lambda place: content)
    with pytest.raises(TypeError, match="text"):
        gather({"f": SimpleNamespace(_cache=SimpleNamespace(_cache_file=kept))}, set())


def test_symbols_are_those_of_the_code_whoever_wrote_it_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kernel(value: int) -> int:
        return value + 1

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    first = njit("int64(int64)", cache=True)(kernel)
    first._cache.flush()
    njit("int64(int64)", cache=True)(kernel)  # another process, which numbers its symbols differently
    arrays = gather({"kernel": first}, set())
    for symbol in json.loads(arrays["index"].tobytes())["kernel"][:2]:
        assert symbol.encode() in arrays["kernel"].tobytes()
