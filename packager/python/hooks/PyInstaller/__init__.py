"""What hook files find under the name PyInstaller: the interface that its manual documents for them, written anew.

https://pyinstaller.org/en/stable/hooks.html
"""

# The version of the manual. Hooks ask for it.
__version__ = "6.20.0"
