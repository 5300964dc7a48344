"""A table and a picture of it: the largest of the workloads."""

import matplotlib
import pandas as pd

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402

frame = pd.DataFrame({"a": range(10), "b": [x * x for x in range(10)]})
frame.plot(x="a", y="b")
plt.savefig("plot.png")
print(frame.b.sum())
