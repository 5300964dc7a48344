"""A script and a module with names that are not ASCII."""

import zahlen_größer as größer

print("größe", größer.WERT, __name__)
