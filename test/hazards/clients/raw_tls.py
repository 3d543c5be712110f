"""Speaks bytes instead of HTTP to HOST:443. Reads one JSON object from standard input:

  tls   false: no TLS at all
  send  texts to send, latin-1, one after the other; an object {"repeat": text, "times": n} sends a text many times
  end   "read": read to the end; "half": close the sending side and read to the end; "reset": reset at once
Prints one JSON object: what was read, and how it ended.
"""
import json
import os
import socket
import ssl
import struct
import sys

asked = json.load(sys.stdin)
tcp = socket.create_connection((sys.argv[1], 443), timeout=15)
stream = tcp
if asked.get("tls", True):
    trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    trust.set_alpn_protocols(["http/1.1"])
    stream = trust.wrap_socket(tcp, server_hostname=sys.argv[1])
got = b""
ended = "closed"
try:
    for part in asked["send"]:
        text, times = (part, 1) if isinstance(part, str) else (part["repeat"], part["times"])
        for _ in range(times):
            stream.sendall(text.encode("latin-1"))
    if asked["end"] == "reset":
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(stream.detach())
        print(json.dumps({"got": "", "ended": "reset by us"}))
        sys.exit(0)
    if asked["end"] == "half":
        socket.socket.shutdown(stream, socket.SHUT_WR)
    while True:
        data = stream.recv(65536)
        if not data:
            break
        got += data
except socket.timeout:
    ended = "timeout"
except OSError as error:
    ended = type(error).__name__
print(json.dumps({"got": got.decode("latin-1"), "ended": ended}))
