"""Star import of a package: what __all__ names may be a submodule that nobody has imported."""

__all__ = ["starred_module", "in_deep"]
in_deep = "in deep"
