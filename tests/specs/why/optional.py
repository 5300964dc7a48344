"""Looks at a picture with Django, which takes Pillow for that and does not require it."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import ImageField

settings.configure(USE_I18N=False)
try:
    ImageField().to_python(SimpleUploadedFile("picture.png", b"no picture"))
except ValidationError:
    print("no picture")
