"""A site with Flask: templates and static files of a package."""

from shop import app

client = app.test_client()
for path in ["/", "/items/3", "/static/style.css", "/static/deep/data.json", "/nowhere", "/download"]:
    answer = client.get(path)
    kind = answer.headers["Content-Type"]
    print(path, answer.status_code, kind, answer.headers.get("Content-Length"))
    print(answer.get_data(as_text=True))
tagged = client.get("/static/style.css")
again = client.get("/static/style.css", headers={"Range": "bytes=0-3"})
print(again.status_code, again.data, "ETag" in tagged.headers)
print(sorted(rule.rule for rule in app.url_map.iter_rules()))
print(app.test_cli_runner().invoke(args=["count"]).output)
