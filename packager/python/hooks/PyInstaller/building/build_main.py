"""What a specification asks to be analysed, and the names that it finds without importing them."""

from typing import Any, Iterable, List, Optional

from PyInstaller.building.api import COLLECT, EXE, MERGE, PKG, PYZ
from PyInstaller.building.datastruct import TOC, Target, Tree
from PyInstaller.building.osx import BUNDLE
from PyInstaller.building.splash import Splash

__all__ = ["ANALYSES", "Analysis", "BUNDLE", "COLLECT", "EXE", "MERGE", "PKG", "PYZ", "Splash", "TOC", "Target", "Tree"]

# All analyses, in order.
ANALYSES: "List[Analysis]" = []


class Analysis(Target):
    """A program. What would be found in it is not looked for: its tables begin without it."""

    def __init__(
        self,
        scripts: "Iterable[Any]",
        pathex: "Optional[Iterable[Any]]" = None,
        binaries: "Optional[Iterable[Any]]" = None,
        datas: "Optional[Iterable[Any]]" = None,
        hiddenimports: "Optional[Iterable[str]]" = None,
        hookspath: "Optional[Iterable[Any]]" = None,
        hooksconfig: "Optional[dict[str, Any]]" = None,
        excludes: "Optional[Iterable[str]]" = None,
        runtime_hooks: "Optional[Iterable[Any]]" = None,
        cipher: Any = None,
        win_no_prefer_redirects: bool = False,
        win_private_assemblies: bool = False,
        noarchive: bool = False,
        module_collection_mode: "Optional[dict[str, str]]" = None,
        optimize: int = -1,
        **others: Any,
    ) -> None:
        self.inputs = list(scripts)
        self.pathex = list(pathex or ())
        self.hiddenimports = list(hiddenimports or ())
        self.hookspath = list(hookspath or ())
        self.hooksconfig = dict(hooksconfig or {})
        self.excludes = list(excludes or ())
        self.custom_runtime_hooks = list(runtime_hooks or ())
        self.cipher = cipher
        self.noarchive = noarchive
        self.module_collection_mode = dict(module_collection_mode or {})
        self.optimize = optimize
        self.others = others
        self.given_binaries = list(binaries or ())
        self.given_datas = list(datas or ())
        # Tables of which entries were taken out, as far as that shows.
        self.replaced: "List[str]" = []
        for name in ("scripts", "pure", "binaries", "datas", "zipfiles", "zipped_data", "dependencies"):
            table = TOC()
            table.owner = self
            self.__dict__[name] = table
        ANALYSES.append(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(self.__dict__.get(name), TOC) and value is not self.__dict__[name]:
            self.replaced.append(name)
            if getattr(value, "owner", None) is None:
                value = TOC(value)
                value.owner = self
        super().__setattr__(name, value)
