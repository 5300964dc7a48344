"""certifi's file is read and used; requests talks to a server of its own."""

import hashlib
import http.server
import os
import ssl
import threading

import certifi
import requests


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"you asked for {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with requests.Session() as session:
    session.trust_env = False
    answer = session.get(f"http://127.0.0.1:{server.server_port}/größe?a=1", timeout=10)
    print(answer.status_code, answer.encoding, answer.text)
server.shutdown()

with open(certifi.where(), "rb") as file:
    bundle = file.read()
print(os.path.basename(certifi.where()), len(bundle), hashlib.sha256(bundle).hexdigest())
print(certifi.contents().count("BEGIN CERTIFICATE"))
print(ssl.create_default_context(cafile=certifi.where()).cert_store_stats())
print(requests.certs.where() == certifi.where(), requests.adapters.DEFAULT_CA_BUNDLE_PATH == certifi.where())
