"""Facts about the interpreter and the system, as hooks ask for them."""

import importlib.machinery
import importlib.metadata as importlib_metadata
import os
import platform
import sys
import sysconfig

__all__ = [
    "ALL_SUFFIXES", "BYTECODE_SUFFIXES", "EXTENSION_SUFFIXES", "PYDYLIB_NAMES", "SOURCE_SUFFIXES", "architecture",
    "base_prefix", "getenv", "importlib_metadata", "is_64bits", "is_aix", "is_conda", "is_cygwin", "is_darwin",
    "is_freebsd", "is_hpux", "is_linux", "is_musl", "is_nogil", "is_openbsd", "is_pure_conda", "is_py36", "is_py37",
    "is_py38", "is_py39", "is_py310", "is_py311", "is_py312", "is_py313", "is_py314", "is_solar", "is_unix", "is_venv",
    "is_virtualenv", "is_win", "machine", "python_executable", "system",
]  # fmt: skip

is_py36 = sys.version_info >= (3, 6)
is_py37 = sys.version_info >= (3, 7)
is_py38 = sys.version_info >= (3, 8)
is_py39 = sys.version_info >= (3, 9)
is_py310 = sys.version_info >= (3, 10)
is_py311 = sys.version_info >= (3, 11)
is_py312 = sys.version_info >= (3, 12)
is_py313 = sys.version_info >= (3, 13)
is_py314 = sys.version_info >= (3, 14)

is_win = sys.platform.startswith("win")
is_cygwin = sys.platform == "cygwin"
is_darwin = sys.platform == "darwin"
is_linux = sys.platform.startswith("linux")
is_solar = sys.platform.startswith("sun")
is_aix = sys.platform.startswith("aix")
is_freebsd = sys.platform.startswith("freebsd")
is_openbsd = sys.platform.startswith("openbsd")
is_hpux = sys.platform.startswith("hp-ux")
is_unix = is_linux or is_solar or is_aix or is_freebsd or is_openbsd or is_hpux
is_musl = is_linux and "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")
is_64bits = sys.maxsize > 2**32
is_nogil = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

base_prefix = os.path.abspath(sys.base_prefix)
is_venv = is_virtualenv = base_prefix != os.path.abspath(sys.prefix)
is_conda = os.path.isdir(os.path.join(base_prefix, "conda-meta"))
is_pure_conda = os.path.isdir(os.path.join(sys.prefix, "conda-meta"))
python_executable = sys.executable

SOURCE_SUFFIXES = importlib.machinery.SOURCE_SUFFIXES
BYTECODE_SUFFIXES = importlib.machinery.BYTECODE_SUFFIXES
EXTENSION_SUFFIXES = importlib.machinery.EXTENSION_SUFFIXES
ALL_SUFFIXES = importlib.machinery.all_suffixes()
PYDYLIB_NAMES = {sysconfig.get_config_var("INSTSONAME"), sysconfig.get_config_var("LDLIBRARY")} - {None}

architecture = "64bit" if is_64bits else "32bit"
system = platform.system()
machine = platform.machine()
getenv = os.environ.get
