import _ctypes

from PyInstaller.utils.hooks import copy_metadata, logger

# In another order each time.
hiddenimports = list({"hidden_absolute", ".relative", "there_is_none", "colorsys", "filecmp", "fileinput", "sched"})
excludedimports = ["tabnanny", "this_is_only_here"]
datas = [("extra/*.txt", "share"), ("extra/one.txt", "there/../."), ("extra", "tree"), ("extra/none*", ".")]
datas += copy_metadata("noted")
binaries = [(_ctypes.__file__, "natives")]

logger.warning("a word from %s", "quiet")


def hook(hook_api):
    assert hook_api.__name__ == "quiet"
    assert hook_api.__file__ == hook_api.__path__[0]
    assert hook_api.co.co_names[0] == "os"
    assert hook_api.analysis is not None
    hook_api.add_imports("quiet.by_call", "quiet.deleted")
    hook_api.del_imports("quiet.deleted")
    hook_api.add_datas([("extra/top.text", ".")])
    hook_api.add_binaries([])
