"""A directory that is no package: as `python tree`."""

import beside

print(beside.NAME, __name__, repr(__package__), __spec__ and __spec__.name)
