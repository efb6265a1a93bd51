"""Numba kernels over flat int32 arrays; they import numba and numpy and nothing of the other packages."""
