"""Tries to reach each target, all at once; prints one line each: what came of it.

tcp:HOST:PORT       connects and waits for a byte
tls:HOST:PORT:NAME  the same with a TLS handshake for NAME
udp:HOST:PORT       sends a datagram and waits for one
"""
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor

SECONDS = 8


def attempt(target):
    kind, rest = target.split(":", 1)
    name = None
    if kind == "tls":
        rest, name = rest.rsplit(":", 1)
    host, port = rest.rsplit(":", 1)
    try:
        if kind == "udp":
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as udp:
                udp.settimeout(1.5)
                udp.connect((host, int(port)))
                udp.send(b"hello")
                return "answered " + udp.recv(100).decode("latin-1")
        with socket.create_connection((host, int(port)), timeout=SECONDS) as tcp:
            if name is not None:
                trust = ssl._create_unverified_context()
                with trust.wrap_socket(tcp, server_hostname=name) as tls:
                    return "handshake with " + str(tls.getpeercert(True) is not None)
            tcp.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data = tcp.recv(100)
            return "answered " + data.decode("latin-1") if data else "closed"
    except OSError as error:
        return type(error).__name__
    except Exception as error:
        return "failed " + type(error).__name__


with ThreadPoolExecutor(64) as pool:
    for target, result in zip(sys.argv[1:], pool.map(attempt, sys.argv[1:])):
        print(target, result)
