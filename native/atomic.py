"""Words and arrays that threads share: atomic operations, which Numba has for GPUs only, and addresses.

Where kernels are plain Python, there is no second thread, and the operations are plain ones.
"""

from __future__ import annotations

import platform
from ctypes import c_int32
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

_I8 = types.int64
_WORDS = types.Array(types.int64, 1, "C")
_ROWS = types.Array(types.int32, 2, "C")
_HAS_PAUSE = platform.machine() in ("x86_64", "AMD64")


def _pointer(context: Any, builder: Any, words: Any, at: Any) -> Any:
    """The address of a word."""
    return builder.gep(context.make_array(_WORDS)(context, builder, words).data, [at])


if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def load(words: Any, at: int) -> int:
        return int(words[at])

    def add(words: Any, at: int, n: int) -> int:
        words[at] += n
        return int(words[at]) - n

    def swap(words: Any, at: int, old: int, new: int) -> bool:
        if words[at] != old:
            return False
        words[at] = new
        return True

    def pause() -> None:
        pass

    def address_of(array: Any) -> int:
        return int(array.ctypes.data)

    def rows_at(address: int, n: int, words: int) -> Any:
        return np.ctypeslib.as_array((c_int32 * int(n * words)).from_address(int(address))).reshape(n, words)

else:

    @intrinsic
    def load(typingctx: Any, words: Any, at: Any) -> Any:
        """A word, and all that was written before it was."""

        def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
            return builder.load_atomic(_pointer(context, builder, *values), "acquire", 8)

        return _I8(_WORDS, _I8), generate

    @intrinsic
    def add(typingctx: Any, words: Any, at: Any, n: Any) -> Any:
        """Add to a word; what it was before."""

        def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
            return builder.atomic_rmw("add", _pointer(context, builder, *values[:2]), values[2], "acq_rel")

        return _I8(_WORDS, _I8, _I8), generate

    @intrinsic
    def swap(typingctx: Any, words: Any, at: Any, old: Any, new: Any) -> Any:
        """Replace a word if it is ``old``; whether it was."""

        def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
            pointer = _pointer(context, builder, *values[:2])
            return builder.extract_value(builder.cmpxchg(pointer, values[2], values[3], "acq_rel", "acquire"), 1)

        return types.boolean(_WORDS, _I8, _I8, _I8), generate

    @intrinsic
    def pause(typingctx: Any) -> Any:
        """Leave the processor to others for a moment, where it has an instruction for that."""

        def generate(context: Any, builder: Any, _: Any, __: Any) -> Any:
            if _HAS_PAUSE:
                kind = ir.FunctionType(ir.VoidType(), [])
                builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
            return context.get_dummy_value()

        return types.void(), generate

    @intrinsic
    def address_of(typingctx: Any, array: Any) -> Any:
        """Where an array begins."""

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, values[0]).data
            return builder.ptrtoint(data, context.get_value_type(_I8))

        return _I8(array), generate

    @intrinsic
    def rows_at(typingctx: Any, address: Any, n: Any, words: Any) -> Any:
        """The int32 array ``[n, words]`` at an address, which somebody else keeps alive."""

        def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
            address, n, words = values
            array = context.make_array(_ROWS)(context, builder)
            size = context.get_constant(_I8, 4)
            populate_array(
                array,
                data=builder.inttoptr(address, array.data.type),
                shape=[n, words],
                strides=[builder.mul(words, size), size],
                itemsize=size,
                meminfo=None,
            )
            return array._getvalue()

        return _ROWS(_I8, _I8, _I8), generate
