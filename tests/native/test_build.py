"""Compiling side by side: processes that start together, that are killed, and what they leave behind.

A purpose of one small module stands for all kernels.
"""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha1
from pathlib import Path

import pytest
from numba import config

import detent.native
from detent.native import build, files, lock
from detent.native.image import gather, image_name, source_digest

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")
SOURCES = f"kernels-{source_digest()}"
IMAGE = image_name(SOURCES, "small")
SMALL = """
from detent.native import build, jit
build.APART["small"] = ("punycode",)
jit.prepare("small")
from detent.native import punycode
print(len(jit._compiled), punycode.n_digits(10, 72))
"""
DIGITS = "2"  # RFC 3492, 3.3: with a bias of 72, 10 is written in two digits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the processes of a test keep kernels; by an empty image, those of every grammar are read one by one."""
    package = str(Path(str(detent.native.__file__)).parent)
    place = tmp_path / f"native_{sha1(package.encode()).hexdigest()}" / SOURCES
    files.write(place / image_name(SOURCES, ""), gather({}, set()))
    return place


def started(folder: Path, code: str = SMALL, **environment: str) -> subprocess.Popen[str]:
    variables = os.environ | {"NUMBA_CACHE_DIR": str(folder.parent.parent)} | environment
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], env=variables, stdout=pipe, stderr=pipe, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def test_one_of_many_compiles_and_a_killed_one_leaves_nothing_half_made(folder: Path) -> None:
    older = folder.with_name("kernels-of-other-sources")
    older.mkdir()
    killed = started(folder)
    assert "compiling kernels for small" in line(killed)
    killed.kill()
    with lock.hold(folder.parent / "kernels.lock", lambda: None):
        assert not (folder / IMAGE).exists()
        processes = [started(folder) for _ in range(2)]
        assert all("waiting for another process" in line(process) for process in processes)
    told = []
    for process in processes:
        out, said = process.communicate()
        assert (out.split(), process.returncode) == (["0", DIGITS], 0)
        told.append(said)
    assert sorted("compiling" in said for said in told) == [False, True]
    assert not older.exists()
    killed.communicate()


def test_a_damaged_image_is_made_again(folder: Path) -> None:
    first, _ = started(folder).communicate()
    content = (folder / IMAGE).read_bytes()
    (folder / IMAGE).write_bytes(content[:-1])
    again = started(folder)
    out, said = again.communicate()
    assert (out, "compiling" in said) == (first, True)
    assert files.read(folder / IMAGE) is not None


def test_processes_that_compile_refuse_other_sources(folder: Path) -> None:
    other = started(folder, "from detent.native import arena", DETENT_COMPILING=str(folder.with_name("kernels-0")))
    _, said = other.communicate()
    assert other.returncode == 1
    assert "is for other sources" in said


def test_nothing_is_kept_of_sources_that_changed_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "folder", lambda: folder)
    monkeypatch.setattr(build, "run_all", lambda *arguments: None)
    monkeypatch.setattr(build, "source_digest", lambda: "changed")
    with pytest.raises(ImportError, match="changed while they were compiled"):
        build._compile(IMAGE, "", ())
    assert not folder.exists()


def test_kernels_are_compiled_where_nothing_can_be_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**options: bool) -> None:
        raise RuntimeError("no locator available")

    monkeypatch.setattr(build, "njit", refuse)
    place = build.folder.__wrapped__()
    assert place.parent.is_dir()
    assert place.name == SOURCES
    assert "NUMBA_CACHE_DIR" in capsys.readouterr().err
