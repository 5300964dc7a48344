"""Linear algebra: the C code of numpy and the libraries under it."""

import numpy as np

matrix = np.arange(9.0).reshape(3, 3) + np.eye(3)
print(np.round(np.linalg.inv(matrix), 6).tolist())
print(np.fft.fft(np.ones(4)).tolist(), np.random.default_rng(1).integers(0, 100, 5).tolist())
print(np.__version__)
