"""Says where modules are looked for, before and after `site` is imported, and tries to import one of another place."""

import sys

RELATIVE = [entry.replace(sys._MEIPASS, "ROOT") for entry in sys.path]
print(RELATIVE, sys.prefix == sys.exec_prefix == sys._MEIPASS, "site" in sys.modules)

import site  # noqa: E402

print([entry.replace(sys._MEIPASS, "ROOT") for entry in sys.path] == RELATIVE, sys.prefix == sys._MEIPASS)
print(site.ENABLE_USER_SITE, type(site.USER_SITE).__name__, sys.flags.no_site)
for name in ("of_user", "of_environment", "sitecustomize", "usercustomize"):
    try:
        __import__(name)
        print(name, "is found")
    except ImportError:
        pass
