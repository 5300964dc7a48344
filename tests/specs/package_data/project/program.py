"""Reads the data of two packages in every way there is. The arguments name sections: `reading.pathlib_reads`."""

import sys

# Modules of real directories leave nothing beside them.
sys.dont_write_bytecode = True


def section_module(name):
    if name == "reading":
        from sections import reading as module
    elif name == "walking":
        from sections import walking as module
    elif name == "resources":
        from sections import resources as module
    elif name == "libraries":
        from sections import libraries as module
    elif name == "native":
        from sections import native as module
    elif name == "processes":
        from sections import processes as module
    elif name == "importing":
        from sections import importing as module
    elif name == "applications":
        from sections import applications as module
    elif name == "sources":
        from sections import sources as module
    else:
        from sections import refusals as module
    return module


def main():
    for argument in sys.argv[1:]:
        module, _, section = argument.partition(".")
        getattr(section_module(module), section)()


if __name__ == "__main__":
    main()
