"""The kernel for CUDA, by Triton's interpreter on the CPU, against NumPy: equal bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")

CODE = """
import numpy as np, torch
from detent.sampler import bitmask
from detent.sampler.bitmask import apply_bitmask

rng = np.random.default_rng(5)
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    for width, words, wider in ((70, 3, 0), (96, 3, 5), (9000, 281, 0), (9000, 290, 3), (40, 1, 0), (5000, 3, 1)):
        mask = rng.integers(-2**31, 2**31, (4, words)).astype(np.int32)
        full = torch.from_numpy(rng.normal(size=(5, width + wider)).astype(np.float32)).to(dtype)
        for rows in ([3, 0, -1, 2, 2], [-1] * 5, torch.tensor([0, 1, 2, 3, 0]), None):
            logits = full[:, :width] if rows is not None else full[:4, :width]
            given = mask if rows is not None else torch.from_numpy(mask)
            expected, found = logits.clone(), logits.clone()
            if wider:  # rows that do not follow each other in memory
                found = full.clone()[: len(logits), :width]
            apply_bitmask(expected, given, rows)
            bitmask._apply_on_device(found, given, rows)
            assert torch.equal(expected.view(torch.uint8), found.contiguous().view(torch.uint8)), (dtype, width, rows)
print("equal")
"""


def test_as_on_the_cpu() -> None:
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "equal", done.stderr[-2000:]
