import checked

print(checked.NAME)
