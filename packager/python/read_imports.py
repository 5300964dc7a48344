"""Reads the imports of modules out of their bytecode, where their source cannot be parsed by the packager.

That is: sourceless .pyc files, sources in encodings that only Python decodes, and sources nested too deeply for a
parser of another make. Reads a JSON list of {"file": ..., "package": ...} from stdin; prints a JSON list, for each
file a list of [module, names, is_in_function], or null where it has no valid bytecode.
"""

import dis
import importlib.util
import json
import marshal
import sys
import types
import warnings

Import = "tuple[str, list[str], bool]"


def code_of(file: str) -> types.CodeType:
    """The module's code, unmarshalled or compiled."""
    with open(file, "rb") as stream:
        data = stream.read()
    if file.endswith(".pyc"):
        if data[:4] != importlib.util.MAGIC_NUMBER:
            raise ValueError("bytecode of another version")
        code = marshal.loads(data[16:])
        if not isinstance(code, types.CodeType):
            raise ValueError("not a code object")
        return code
    return compile(data, file, "exec", dont_inherit=True)


def imports_of(code: types.CodeType, package: str, in_function: bool) -> "list[Import]":
    """Imports of a code object and of those within it. Level and names are the constants pushed before."""
    found: "list[Import]" = []
    constants: "list[object]" = []
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_CONST", "LOAD_SMALL_INT"):
            constants.append(instruction.argval)
        elif instruction.opname == "IMPORT_NAME" and len(constants) >= 2:
            level, names = constants[-2], constants[-1]
            name = str(instruction.argval)
            if isinstance(level, int) and level > 0:
                base = package.rsplit(".", level - 1)[0] if package else ""
                name = f"{base}.{name}".rstrip(".") if base else ""
            if name:
                listed = [str(item) for item in names] if isinstance(names, tuple) else []
                found.append((name, listed, in_function))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            # a class body runs when the module does, a function's later
            is_function = bool(constant.co_flags & 0x02)
            found.extend(imports_of(constant, package, in_function or is_function))
    return found


def read(request: "dict[str, str]") -> "list[Import] | None":
    """One file's imports, or None."""
    try:
        return imports_of(code_of(request["file"]), request["package"], False)
    except (OSError, ValueError, EOFError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def main() -> None:
    warnings.simplefilter("ignore")
    json.dump([read(request) for request in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
