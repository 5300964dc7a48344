"""Attributes that are imported when they are asked for (PEP 562)."""


def __getattr__(name):
    if name == "attribute":
        from ._lazy_part import attribute

        return attribute
    raise AttributeError(name)
