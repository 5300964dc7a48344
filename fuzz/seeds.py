"""Writes seeds for the targets `marshal` and `elf`: `python seeds.py CORPUS`."""

import glob
import marshal
import os
import shutil
import sys
import sysconfig

SOURCES = {
    "empty": "",
    "constants": "x = (1, -7, 1 << 70, 1.5, 2j, 'a', 'é', b'b', None, True, ..., 'os.path')\ny = 1 in {1, 'a', (2,)}\n",
    "functions": "def f(a, /, b, *c, d=1, **e):\n    g = lambda: a + b\n    return g\n\nclass C:\n    x: int = 1\n",
    "flow": "async def f():\n    async for x in y:\n        try:\n            yield x\n        except* E:\n            pass\n",
}


def main() -> None:
    """Writes marshal data of each source and copies the smallest extension modules."""
    corpus = sys.argv[1]
    tag = sys.implementation.cache_tag
    for name, source in SOURCES.items():
        if sys.version_info < (3, 11):
            source = source.replace("except*", "except")
        path = os.path.join(corpus, "marshal", "{}-{}".format(tag, name))
        with open(path, "wb") as file:
            file.write(marshal.dumps(compile(source, "seed.py", "exec")))
    folder = sysconfig.get_config_var("DESTSHARED") or ""
    extensions = sorted(glob.glob(os.path.join(folder, "*.so")), key=os.path.getsize)
    for extension in extensions[:3]:
        shutil.copy(extension, os.path.join(corpus, "elf"))


if __name__ == "__main__":
    main()
