"""Prints how many authorities OpenSSL knows by default, and whether its default paths exist."""

import os
import ssl

context = ssl.create_default_context()
context.set_default_verify_paths()
paths = ssl.get_default_verify_paths()
print(context.cert_store_stats()["x509_ca"], bool(paths.cafile or paths.capath))
print([certificate["subject"][-1][0][1] for certificate in context.get_ca_certs()])
print(sorted(name for name in os.environ if "SSL" in name))
