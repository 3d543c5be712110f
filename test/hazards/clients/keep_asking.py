"""Asks HOST for each PATH in turn over one connection until a line comes; prints which answers there were.

With --on-line it asks once for each line instead, and says at its end over how many connections that was.
"""
import http.client
import os
import select
import ssl
import sys

host, paths = sys.argv[1], sys.argv[2:]
on_line = "--on-line" in paths
paths = [path for path in paths if path.startswith("/")]
trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
connections = 0


class Connection(http.client.HTTPSConnection):
    def connect(self):
        global connections
        connections += 1
        super().connect()


connection = Connection(host, 443, context=trust, timeout=30)


def ask(path):
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return "%s=%d" % (path, response.status)


print("asking", flush=True)
if on_line:
    for _ in sys.stdin:
        for path in paths:
            print(ask(path), flush=True)
    print("connections", connections)
else:
    seen, asked = set(), 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for path in paths:
            seen.add(ask(path))
            asked += 1
    print("asked", asked)
    print("results", *sorted(seen))
