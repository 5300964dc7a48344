"""Settings of a build, as specifications ask for them."""

from typing import Any, Dict

CONF: "Dict[str, Any]" = {
    "specpath": "", "spec": "", "specnm": "", "distpath": "", "workpath": "", "cachedir": "", "warnfile": "",
    "noconfirm": False, "upx_available": False, "upx_dir": None, "hiddenimports": [], "pathex": [],
    "main_package": "", "ui_admin": False, "ui_access": False,
}  # fmt: skip
