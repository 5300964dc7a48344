from .values import VALUE

NAME = f"submodule {VALUE}"
