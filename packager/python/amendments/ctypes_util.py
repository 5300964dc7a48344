

# Libraries that are bundled with the program are found before those of the system.
def _with_bundled(elsewhere):
    import re

    def find_library(name):
        root = getattr(sys, "_MEIPASS", None)
        if root is None:
            return elsewhere(name)
        is_library = re.compile(rf"lib{re.escape(name)}\.so(\.[0-9]+)*").fullmatch
        paths = [os.path.join(place, file) for place, _, files in os.walk(root) for file in files if is_library(file)]
        if not paths:
            return elsewhere(name)
        path = min(paths, key=lambda path: (path.count("/"), len(path), path))
        # By its name alone a library is found in the executable, not in a directory beside it.
        is_unique = sum(other.endswith(path[path.rindex("/") :]) for other in paths) == 1
        return os.path.basename(path) if is_unique and root.startswith(sys.executable) else path

    find_library.__qualname__ = "find_library"
    return find_library


find_library = _with_bundled(find_library)
del _with_bundled
