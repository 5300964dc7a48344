value = "family"
