"""Asks HOST for a big body and reads its first kilobyte; more only when a line comes on standard input."""
import os
import socket
import ssl
import sys

trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
tcp = socket.create_connection((sys.argv[1], 443), timeout=30)
with trust.wrap_socket(tcp, server_hostname=sys.argv[1]) as tls:
    request = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (sys.argv[2], sys.argv[1])
    tls.sendall(request.encode())
    read = len(tls.recv(1024))
    print("began", flush=True)
    sys.stdin.readline()
    while True:
        data = tls.recv(1 << 20)
        if not data:
            break
        read += len(data)
print("read", read)
