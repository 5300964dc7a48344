NAME = "a submodule in __all__"
