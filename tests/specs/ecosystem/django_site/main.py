"""A site with Django: migrations, templates, admin, static files and commands of an application."""

import os
import re

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"

import django
from django.core.management import call_command, get_commands

django.setup()

from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.db import connection
from django.template.loader import get_template
from django.test import Client
from django.utils import translation
from polls.models import Question

call_command("check")
call_command("migrate", verbosity=0)
call_command("showmigrations", "polls", "auth")
print(sorted(connection.introspection.table_names()))
call_command("ask", "Why?", "How <so>?")
print(Question.objects.order_by("text").values_list("text", "votes"))
print(len(get_commands()), sorted(name for name, app in get_commands().items() if app == "polls"))

client = Client()
for path in ["/", "/admin/login/", "/nowhere/"]:
    answer = client.get(path)
    text = re.sub(r'value="[A-Za-z0-9]{64}"', 'value="token"', answer.content.decode())
    print(path, answer.status_code, len(text))
    print(text if path == "/" else re.findall("<title>.*?</title>", text, re.DOTALL))
get_user_model().objects.create_superuser("admin", "admin@example.org", "secret")
print(client.login(username="admin", password="secret"))
for path in ["/admin/", "/admin/polls/question/", "/admin/polls/question/add/", "/admin/auth/user/"]:
    answer = client.get(path)
    print(path, answer.status_code, re.findall("<title>.*?</title>", answer.content.decode(), re.DOTALL))
for file in ["polls/style.css", "admin/css/base.css"]:
    with open(finders.find(file), "rb") as opened:
        print(file, len(opened.read()))
for language in ["de", "fr", "ja"]:
    with translation.override(language):
        print(translation.gettext("Welcome,"), get_template("polls/number.html").render({"number": 1234567.5}))
call_command("makemigrations", "polls", check=True, dry_run=True)
