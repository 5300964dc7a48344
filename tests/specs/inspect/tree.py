"""Prints what is below a directory, or below the program's own root: path, kind and checksum."""

import hashlib
import os
import sqlite3
import sys
from email import message_from_string

root = getattr(sys, "_MEIPASS", None) or sys.argv[1]
assert sqlite3.sqlite_version and message_from_string("") is not None
for folder, directories, files in os.walk(root):
    directories.sort()
    for name in sorted(directories + files):
        path = os.path.join(folder, name)
        shown = os.path.relpath(path, root)
        if os.path.islink(path):
            print(shown, "->", os.readlink(path))
        elif os.path.isdir(path):
            print(shown, "directory")
        else:
            with open(path, "rb") as file:
                print(shown, hashlib.sha256(file.read()).hexdigest())
