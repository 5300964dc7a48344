import sys

from package.show import show

show(sys.modules["__main__"])
