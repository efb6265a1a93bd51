"""How the core calls kernels of a machine that is compiled apart: by addresses in the arena.

Lexers with LR stacks are a machine of their own, whose kernels nobody should wait for who only uses JSON. They are
compiled when the first such grammar is placed, which also writes their addresses into the arena (:func:`install`); a
call through an address costs what any other call costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite.binding import address_of_symbol  # type: ignore[import-untyped]
from numba import config, types
from numba.extending import intrinsic

from .arena import MACHINE
from .jit import kernel

STEP, READ = MACHINE, MACHINE + 2
_ARENA = types.Array(types.int32, 1, "C")
_STEP = types.int64(_ARENA, types.int64, types.int64, types.int64)
_READ = types.int64(_ARENA, _ARENA, types.int64, types.int64, types.int64)
_interpreted: dict[int, Any] = {}


def install(A: npt.NDArray[np.int32], step: Any, read: Any) -> None:
    """Let :func:`step_elsewhere` and :func:`read_elsewhere` call kernels in one arena: both from now on, or neither."""
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        _interpreted.update({STEP: step, READ: read})
        return
    addresses = [address_of_symbol(f"{kernel.__module__}.{kernel.__name__}") for kernel in (step, read)]
    A[STEP : READ + 2] = np.array(addresses, dtype=np.int64).view(np.int32)


def _caller(signature: Any) -> Any:
    """The code of a call through an address, which is the first argument."""
    result, parameters = signature.return_type, signature.args

    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
        kind = context.call_conv.get_function_type(result, parameters)
        function = builder.inttoptr(values[0], kind.as_pointer())
        return context.call_conv.call_function(builder, function, result, parameters, values[1:])[1]

    return result(types.int64, *parameters), generate


if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _call_step(_: int, *arguments: Any) -> Any:
        return _interpreted[STEP](*arguments)

    def _call_read(_: int, *arguments: Any) -> Any:
        return _interpreted[READ](*arguments)

else:

    @intrinsic
    def _call_step(typingctx: Any, address: Any, A: Any, pos: Any, parent: Any, b: Any) -> Any:
        return _caller(_STEP)

    @intrinsic
    def _call_read(typingctx: Any, address: Any, A: Any, V: Any, x: Any, pos: Any, parent: Any) -> Any:
        return _caller(_READ)


@kernel("i8(A, i8)")
def address_at(A, word):
    """An address of 64 bits out of two words."""
    return (int(A[word]) & 0xFFFFFFFF) | (int(A[word + 1]) << 32)


@kernel("i8(A, i8, i8, i8)")
def step_elsewhere(A, pos, parent, b):
    """Emit what an item ``(pos, parent)`` of the other machine can be after byte ``b``."""
    return _call_step(address_at(A, STEP), A, pos, parent, b)


@kernel("i8(A, A, i8, i8, i8)")
def read_elsewhere(A, V, x, pos, parent):
    """Collect the tokens of the suffixes ``x`` at an item of the other machine.

    Returns
    -------
    int
        0 when tables had to be built first: what was collected is lost then, and the caller starts again.
    """
    return _call_read(address_at(A, READ), A, V, x, pos, parent)
