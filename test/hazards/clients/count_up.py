"""Asks HOST for /even/N and /odd/N over several connections until ended; says how many were answered."""
import http.client
import os
import ssl
import sys
import threading

trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
lock = threading.Lock()
answered = 0


def count(thread):
    global answered
    connection = http.client.HTTPSConnection(sys.argv[1], 443, context=trust, timeout=5)
    for number in range(thread, 1_000_000, 4):
        connection.request("GET", "/%s/%d" % ("odd" if number % 2 else "even", number // 2))
        connection.getresponse().read()
        with lock:
            answered += 1
            if answered % 50 == 0:
                print("answered", answered, flush=True)


for index in range(4):
    threading.Thread(target=count, args=(index,)).start()
