import json
import yaml
import PIL.Image
import PIL.ImageDraw
import colorsy
import no_such_thing
from json import decoders
import json.decoders

try:
    import orjson
except ImportError:
    orjson = None

def draw():
    import matplotlib


print(json.dumps(yaml.safe_load("[1]")))
