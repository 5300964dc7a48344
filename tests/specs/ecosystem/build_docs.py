"""Sphinx builds a page into the folder that it is given."""

import hashlib
import pathlib
import re
import sys

from sphinx.cmd.build import build_main

EXTENSIONS = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.todo"]

folder = pathlib.Path(sys.argv[1])
source, output = folder / "source", folder / "html"
source.mkdir(parents=True, exist_ok=True)
(source / "conf.py").write_text(
    f"project = 'A project'\nextensions = {EXTENSIONS}\nhtml_last_updated_fmt = None\nlanguage = 'de'\n"
)
(source / "index.rst").write_text(
    "Title\n=====\n\n.. toctree::\n\n   second\n\nSome *text* and `a link <https://example.org>`_, :math:`x^2`.\n\n"
    ".. code-block:: python\n\n   print('größe')\n\n.. note:: A note.\n\n.. autofunction:: json.loads\n   :no-index:\n",
    "utf-8",
)
(source / "second.rst").write_text("Second\n======\n\n.. csv-table::\n\n   a,b\n   1,2\n\n.. code-block:: rust\n\n   fn f() {}\n")
status = build_main(["-q", "-E", "-j", "1", str(source), str(output)])
print(status)
for file in sorted(output.rglob("*")):
    if not file.is_file() or ".doctrees" in file.parts or file.suffix in {".pickle", ".inv"}:
        continue
    if file.name == ".buildinfo":
        continue
    data = re.sub(rb"\?v=[0-9a-f]+", b"", file.read_bytes())
    print(file.relative_to(output), len(data), hashlib.sha256(data).hexdigest()[:16])
