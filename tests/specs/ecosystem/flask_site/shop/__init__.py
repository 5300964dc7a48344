"""The site."""

import click
from flask import Flask, render_template, send_file

app = Flask(__name__)


@app.route("/")
def index():
    return render_template("index.html", names=["one", "<two>"])


@app.route("/items/<int:number>")
def item(number):
    return render_template("item.html", number=number)


@app.route("/download")
def download():
    with app.open_resource("static/deep/data.json") as file:
        print(len(file.read()))
    return send_file("static/style.css", mimetype="text/plain")


@app.cli.command("count")
def count():
    click.echo(len(app.jinja_env.list_templates()))
