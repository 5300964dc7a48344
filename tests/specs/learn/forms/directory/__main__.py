import sys

from show import show

show(sys.modules["__main__"])
