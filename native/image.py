"""The machine code of many kernels in one file, from which a process has each in a tenth of a millisecond.

Numba keeps a file per kernel, with its types and its intermediate code, to compile others that call it: 3 ms each to
read. Where nothing is to be compiled, the object code is enough. An image without kernels says that they could not be
gathered: they are read from Numba's files then.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import numba
import numba._dynfunc as dynfunc
import numpy as np
from llvmlite.binding import ObjectFileRef, add_symbol  # type: ignore[import-untyped]
from numba.core.environment import Environment
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys

from . import files

Compiled = dict[str, Any]  # kernels as Numba has them, by module and name


def source_digest() -> str:
    """A digest of all files of this package."""
    digest = blake2b(digest_size=16)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def image_name(sources: str, purpose: str) -> str:
    """The name of the image of some sources with these versions of the compiler on this processor."""
    versions = sys.implementation.cache_tag, numba.__version__, llvmlite.__version__
    machine = cpu_target.target_context.codegen().magic_tuple()
    digest = blake2b(repr((sources, purpose, versions, machine)).encode(), digest_size=16)
    return f"kernels-{digest.hexdigest()}{files.SUFFIX}"


def name_of(function: Callable[..., Any]) -> str:
    """The name of a kernel, and its symbol for other kernels where it has one."""
    return f"{function.__module__}.{function.__qualname__}"


class Image:
    """The kernels of a file.

    Parameters
    ----------
    arrays : dict of str to numpy.ndarray
        Object code by kernel, and ``index``: JSON with the symbols of each.
    """

    def __init__(self, arrays: files.Arrays) -> None:
        self._code = arrays
        self._index: dict[str, tuple[str, str, str, bool, list[str]]] = json.loads(arrays["index"].tobytes())

    def load(self, function: Callable[..., Any], *, allocates: bool) -> Any:
        """The kernel of a function, callable from Python; None when it is not in the image.

        Kernels are loaded after those that they call, as they were written.
        """
        name = name_of(function)
        if name not in self._index:
            return None
        symbol, wrapper, environment_name, is_exported, constants = self._index[name]
        if allocates:
            rtsys.initialize(cpu_target.target_context)
        engine = self._codegen._engine
        engine._ee.add_object_file(ObjectFileRef.from_data(self._code[name].tobytes()))
        if is_exported:
            add_symbol(name, engine.get_function_address(symbol))
        environment = Environment(function.__globals__)
        environment.consts.extend(map(np.dtype, constants))
        address = engine.get_function_address(wrapper)
        self._codegen.set_env(environment_name, environment)
        module, doc = sys.modules[function.__module__], function.__doc__ or ""
        return dynfunc.make_function(module, function.__name__, doc, address, environment, ())

    @cached_property
    def _codegen(self) -> Any:
        return cpu_target.target_context.codegen()


def gather(compiled: Compiled, exported: set[str]) -> files.Arrays:
    """The arrays of an image, from kernels whose code is in Numba's files."""
    index, arrays = {}, {}
    for name, kernel in compiled.items():
        kept = kernel._cache._cache_file
        (place,) = kept._load_index().values()
        # names of symbols have numbers that differ from process to process: they are those of this file, not of memory
        (_, _, (code, _)), names, environment, *_ = kept._load_data(place)
        symbols = names.llvm_func_name, names.llvm_cpython_wrapper_name, names.env_name
        index[name] = *symbols, name in exported, [_type_string(value) for value in environment.consts]
        arrays[name] = np.frombuffer(code, np.uint8)
    return arrays | {"index": np.frombuffer(json.dumps(index).encode(), np.uint8)}


def _type_string(constant: Any) -> str:
    """The only constants of kernels: the types of arrays that they return."""
    if not isinstance(constant, np.dtype):
        raise TypeError(f"a kernel has the constant {constant!r}")
    return str(constant.str)
