import os
import sys

with open(os.path.join(sys._MEIPASS, "assets", "words.txt")) as file:
    print(file.read().strip(), sys.flags.optimize, "json" in sys.modules)
