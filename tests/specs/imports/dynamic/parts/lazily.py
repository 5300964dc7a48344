from parts.tables import import_from

TABLE = {"Third": ".third", "Fourth": "deep.fourth"}


def __getattr__(name: str) -> object:
    return import_from(__package__, TABLE, name)
