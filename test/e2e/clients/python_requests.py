"""Python requests with a session: prints status and body of each URL."""
import os
import sys

import requests

with requests.Session() as session:
    session.headers["Authorization"] = "Bearer " + os.environ.get("AGENT_TOKEN", "")
    for url in sys.argv[1:]:
        response = session.get(url, timeout=20)
        print(response.status_code, response.text.strip())
