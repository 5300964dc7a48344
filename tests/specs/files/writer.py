"""Writes in a folder of its own, moves what it wrote, and reads elsewhere."""

import os
import sys

folder = os.path.join(sys.argv[1], "folder")
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "made"), "w", encoding="utf-8") as file:
    file.write("text")
os.replace(os.path.join(folder, "made"), os.path.join(folder, "moved"))
with open("/proc/self/status", encoding="utf-8") as file:
    file.read()
