import os

os.environ["FIRST"] = "the hook ran first"
