"""Imports what is installed editable, and one through a .pth file of the user's own."""

import by_hook.sub.leaf
import by_path
import space.first
import space.second

print(by_path.NAME, by_hook.NAME, by_hook.sub.leaf.NAME, space.first.NAME, space.second.NAME)
