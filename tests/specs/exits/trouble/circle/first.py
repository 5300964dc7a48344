from .second import two

one = two
