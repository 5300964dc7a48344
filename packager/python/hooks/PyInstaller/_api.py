"""The objects that functions in hook files get."""

from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

Pairs = Iterable[Tuple[str, str]]


class Added:
    """What a hook adds by calls."""

    def __init__(self) -> None:
        self.imports: "List[str]" = []
        self.removed: "List[str]" = []
        self.datas: "List[Tuple[str, str]]" = []
        self.binaries: "List[Tuple[str, str]]" = []
        self.modes: "Dict[str, Optional[str]]" = {}


class Analysis:
    """The build, as far as it concerns a hook: there are no settings for hooks."""

    def __init__(self) -> None:
        self.hooksconfig: "Dict[str, Dict[str, Any]]" = {}
        self.excludes: "List[str]" = []
        self.hiddenimports: "List[str]" = []
        self.datas: "List[Tuple[str, str, str]]" = []
        self.binaries: "List[Tuple[str, str, str]]" = []


class PostGraphAPI:
    """What `hook` gets."""

    def __init__(self, request: "Dict[str, Any]") -> None:
        self._request = request
        self._added = Added()
        self._analysis = Analysis()

    @property
    def __name__(self) -> str:
        return self._request["module"]

    @property
    def __file__(self) -> "Optional[str]":
        return self._request["module_file"]

    @property
    def __path__(self) -> "Optional[Tuple[str, ...]]":
        return tuple(self._request["module_path"]) if self._request["is_package"] else None

    @property
    def co(self) -> Any:
        """The module's code object; None where there is no source."""
        source = self._request["module_source"]
        if source is None:
            return None
        with open(source, "rb") as file:
            return compile(file.read(), source, "exec", dont_inherit=True)

    @property
    def analysis(self) -> Analysis:
        return self._analysis

    def add_imports(self, *names: "Union[str, Iterable[str]]") -> None:
        for name in names:
            self._added.imports.extend([name] if isinstance(name, str) else name)

    def del_imports(self, *names: "Union[str, Iterable[str]]") -> None:
        for name in names:
            self._added.removed.extend([name] if isinstance(name, str) else name)

    def add_datas(self, datas: Pairs) -> None:
        self._added.datas.extend(datas)

    def add_binaries(self, binaries: Pairs) -> None:
        self._added.binaries.extend(binaries)

    def set_module_collection_mode(self, name: "Optional[str]", mode: "Optional[str]") -> None:
        if mode not in (None, "pyz", "pyc", "py", "pyz+py", "py+pyz"):
            raise ValueError(f"{mode!r} is no collection mode")
        self._added.modes[self.__name__ if name is None else name] = mode

    def add_bindepend_symlink_suppression_pattern(self, pattern: str) -> None:
        """Nothing makes such links here."""


class PreSafeImportModuleAPI:
    """What `pre_safe_import_module` gets."""

    def __init__(self, request: "Dict[str, Any]") -> None:
        self._request = request
        self._answer: "Dict[str, Any]" = {"runtime": [], "aliases": [], "package_paths": []}

    @property
    def module_name(self) -> str:
        return self._request["module"]

    @property
    def module_basename(self) -> str:
        return self.module_name.rpartition(".")[2]

    @property
    def parent_package(self) -> "Optional[str]":
        return self.module_name.rpartition(".")[0] or None

    def add_runtime_module(self, module_name: str) -> None:
        self._answer["runtime"].append(module_name)

    add_runtime_package = add_runtime_module

    def add_alias_module(self, real_module_name: str, alias_module_name: str) -> None:
        self._answer["aliases"].append((real_module_name, alias_module_name))

    def append_package_path(self, directory: str) -> None:
        self._answer["package_paths"].append(directory)


class PreFindModulePathAPI:
    """What `pre_find_module_path` gets."""

    def __init__(self, request: "Dict[str, Any]") -> None:
        self._module_name = request["module"]
        self.search_dirs: "List[str]" = list(request["search_path"])

    @property
    def module_name(self) -> str:
        return self._module_name
