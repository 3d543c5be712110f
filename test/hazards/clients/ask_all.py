"""Asks every URL over its own TLS connection, prints all that comes back, then waits to be ended."""
import http.client
import os
import signal
import ssl
import sys
from urllib.parse import urlsplit

trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
kept = []
for text in sys.argv[1:]:
    url = urlsplit(text)
    connection = http.client.HTTPSConnection(url.hostname, 443, context=trust, timeout=20)
    path = url.path + ("?" + url.query if url.query else "")
    connection.request("POST", path, b"text", {"Authorization": "Bearer placeholder", "Cookie": "other=1"})
    response = connection.getresponse()
    body = response.read()
    kept.append((response, body, connection))
    sys.stdout.buffer.write(b"%d %s\n" % (response.status, url.path.encode()))
    sys.stdout.buffer.write(str(response.headers).encode("latin-1") + body + b"\n")
print("asked all", flush=True)
signal.pause()
