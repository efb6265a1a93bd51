"""Processes that import modules side by side, each module when those that it builds on are done."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from graphlib import TopologicalSorter
from pathlib import Path
from threading import Condition, Thread

WORKERS = 3  # of 400 MB each; more would wait, since most modules build on each other
Graph = dict[str, set[str]]


def run_all(modules: Iterable[str], behind: str, environment: Mapping[str, str], lock: tuple[int, ...]) -> str:
    """Import modules of this package, and all that they build on, in processes of their own; then run some code.

    What raises an exception there is left undone.

    Parameters
    ----------
    modules : iterable of str
        Names within this package.
    behind : str
        A line of code, for one of the processes.
    environment : mapping of str to str
        Of these processes.
    lock : tuple of int
        Descriptors that they inherit.

    Returns
    -------
    str
        A line about an exception; empty if there was none.
    """
    plan = Plan(graph_of(modules))
    with ExitStack() as stack:
        n_workers = min(WORKERS, os.cpu_count() or 1)
        workers = [stack.enter_context(_Worker(environment, lock)) for _ in range(n_workers)]
        threads = [Thread(target=worker.follow, args=(plan,), daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        any(worker.run(behind) for worker in workers)
        return next((worker.error for worker in workers if worker.error), "")


def graph_of(modules: Iterable[str]) -> Graph:
    """What each of some modules imports of this package, and so on."""
    graph: Graph = {}
    pending = list(modules)
    while pending:
        module = pending.pop()
        if module not in graph:
            graph[module] = set()
            for node in ast.parse(Path(__file__).with_name(f"{module}.py").read_bytes()).body:
                if isinstance(node, ast.ImportFrom) and node.level == 1:
                    graph[module].update([node.module] if node.module else [alias.name for alias in node.names])
            pending += graph[module]
    return graph


class Plan:
    """Who takes which module when; for several threads.

    Parameters
    ----------
    graph : dict of str to set of str
        What each module builds on.
    """

    def __init__(self, graph: Graph) -> None:
        self._order = TopologicalSorter(graph)
        self._order.prepare()
        self._changed = Condition()
        self._ready: list[str] = []
        self._users: Counter[str] = Counter()
        for module in graph:
            self._users.update(_below(module, graph))

    def take(self) -> str | None:
        """The module on which most others build, of those whose turn it is; None when all are done.

        Waits while there is none.
        """
        with self._changed:
            while True:
                self._ready += self._order.get_ready()
                if self._ready:
                    self._ready.sort(key=self._users.__getitem__)
                    return self._ready.pop()
                if not self._order.is_active():
                    return None
                self._changed.wait()

    def done(self, module: str) -> None:
        """Let those have their turn that build on a module."""
        with self._changed:
            self._order.done(module)
            self._changed.notify_all()


def _below(module: str, graph: Graph) -> set[str]:
    """All that a module builds on."""
    found: set[str] = set()
    pending = [module]
    while pending:
        new = graph[pending.pop()] - found
        found |= new
        pending += new
    return found


# collections take a tenth of the time with the thresholds of Python; without any, a process needs half as much again
_CODE = """
import gc, sys
gc.set_threshold(50_000, 20, 20)
sys.path[:] = {path}
for line in sys.stdin:
    try:
        exec(line)
    except BaseException as error:
        print(type(error).__name__, *str(error).split()[:40], flush=True)
        break
    print(flush=True)
"""


class _Worker(subprocess.Popen[bytes]):
    """A process that runs lines of code, one at a time, until one fails, it is left, or nobody is there to give it one.

    Attributes
    ----------
    error : str
        What has failed; empty as long as nothing has.
    """

    def __init__(self, environment: Mapping[str, str], lock: tuple[int, ...]) -> None:
        self.error = ""
        command, pipe = [sys.executable, "-c", _CODE.format(path=sys.path)], subprocess.PIPE
        quiet = subprocess.DEVNULL
        super().__init__(command, 0, stdin=pipe, stdout=pipe, stderr=quiet, env=environment, pass_fds=lock)

    def __exit__(self, *error: object) -> None:
        self.kill()
        super().__exit__(*error)  # type: ignore[arg-type]

    def run(self, code: str) -> bool:
        """Run a line; whether it came to its end."""
        assert self.stdin is not None
        assert self.stdout is not None
        try:
            self.stdin.write(f"{code}\n".encode())
            answer = self.stdout.readline()
        except OSError:
            return False
        self.error = answer.decode(errors="replace").strip()
        return answer != b"" and not self.error

    def follow(self, plan: Plan) -> None:
        """Import modules as long as there are any, and this process lives."""
        is_alive = True
        while is_alive and (module := plan.take()) is not None:
            is_alive = self.run(f"from {__package__} import {module}")
            plan.done(module)
