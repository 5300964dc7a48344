"""Uses what a start brings with it: the standard library, an extension module, and modules of C code."""

import encodings.idna
import json
import sqlite3
import ssl

print(json.dumps({"a": "\u00e9"}, ensure_ascii=False), "b\u00fccher.example".encode("idna"))
print(sqlite3.connect(":memory:").execute("select sqlite_version() > '3'").fetchone(), ssl.HAS_TLSv1_3)
