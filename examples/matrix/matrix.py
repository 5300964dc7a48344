"""Solves a system of linear equations: numpy, and the native libraries under it."""

import sys

import numpy as np

size = int(sys.argv[1]) if len(sys.argv) > 1 else 3
matrix = np.eye(size) * size + np.ones((size, size))
solution = np.linalg.solve(matrix, np.arange(size, dtype=float))
print(np.round(solution, 4).tolist())
print("residual below 1e-9:", bool(np.abs(matrix @ solution - np.arange(size)).max() < 1e-9))
