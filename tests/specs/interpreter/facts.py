"""What can be seen of a command line of python's. No user's site directory is searched by a frozen interpreter."""

import os
import sys

flags = {name: getattr(sys.flags, name) for name in dir(sys.flags) if name[0] != "_" and name[:2] != "n_"}
for name in ("count", "index", "no_user_site"):
    del flags[name]
print(sys.argv, getattr(sys, "orig_argv", [""])[1:], flags)
print(sys.warnoptions, sys._xoptions, getattr(sys, "frozen", None), __name__, __spec__ and __spec__.name)
here = os.getcwd()
print([entry.replace(here, "here") for entry in sys.path if entry == "" or entry.startswith(here)])
print("site" in sys.modules, "exit" in vars(__builtins__), os.path.isfile(sys.executable))
print(sys.stdout.encoding, sys.stdout.errors, sys.stdout.write_through, sys.getfilesystemencoding())
