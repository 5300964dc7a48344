"""Linear algebra: the C code of numpy and the library under it."""

import numpy as np

matrix = np.arange(9.0).reshape(3, 3) + np.eye(3)
print(np.linalg.inv(matrix).sum())
