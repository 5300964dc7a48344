NAME = "the plugin"
