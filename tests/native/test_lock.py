"""The lock: who holds it, until when, and what is done without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from detent.native import lock

HOLDER = """
import subprocess, sys
from pathlib import Path
from detent.native import lock
with lock.hold(Path(sys.argv[1]), lambda: None) as handles:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=sys.stdin, stdout=sys.stderr, pass_fds=handles)
    print(child.pid, flush=True)
    child.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="children inherit no locks")
def test_children_of_a_killed_process_hold_its_lock(tmp_path: Path) -> None:
    path, waited = tmp_path / "lock", []
    command = [sys.executable, "-c", HOLDER, str(path)]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdin is not None and parent.stdout is not None
    parent.stdout.readline()
    parent.kill()
    parent.wait()

    def end_the_child() -> None:
        waited.append(True)
        parent.communicate(b"\n")

    with lock.hold(path, end_the_child):
        assert waited


def test_without_locks_work_is_done_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise OSError("no locks available")

    with lock.hold(tmp_path / "missing" / "lock", lambda: None) as handles:
        assert handles == ()
    monkeypatch.setattr(lock, "_try", refuse)
    with lock.hold(tmp_path / "lock", lambda: None) as handles:
        assert handles == ()
