module_collection_mode = {"shown": "pyz+py", "shown.hidden_part": "pyz"}
