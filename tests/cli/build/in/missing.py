import json
import yaml
import PIL.Image

try:
    import orjson
except ImportError:
    orjson = None

def draw():
    import matplotlib


print(json.dumps(yaml.safe_load("[1]")))
