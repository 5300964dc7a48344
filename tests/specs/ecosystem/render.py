"""Jinja2 finds a package's templates."""

import jinja2

for loader in [jinja2.PackageLoader("pages"), jinja2.PackageLoader("pages", "templates/parts")]:
    environment = jinja2.Environment(loader=loader, autoescape=True, extensions=["jinja2.ext.do"])
    print(environment.list_templates())
    name = environment.list_templates()[-1]
    print(environment.get_template(name).render(title="a < b", items=["one", "größe"]))
    template = environment.get_template(name)
    print(template.filename is not None, template.is_up_to_date)
    try:
        environment.get_template("nothing.html")
    except jinja2.TemplateNotFound as error:
        print(type(error).__name__, error.name)
