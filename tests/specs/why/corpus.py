"""Projects of the corpus, used as they are meant to be."""

import importlib
import time

import babel.messages.extract
import docutils.languages
import flask
import jsonschema
import phonenumbers
import pygments.lexers
import requests
from PIL import Image

click = importlib.import_module("click")

APPLICATIONS = ["django.contrib.humanize"]

if __name__ == "__main__":
    print(time.strftime("%Y", time.gmtime(0)), click.__name__, Image.__name__, APPLICATIONS)
    print([module.__name__ for module in (babel, docutils, flask, jsonschema, phonenumbers, pygments, requests)])
