from .first import one

two = one
