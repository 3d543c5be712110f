"""clickhouse-connect as an agent would use it: one line for each thing it did."""
import os
import sys

import clickhouse_connect
from clickhouse_connect.driver._backend import orchestration
from clickhouse_connect.driver.exceptions import DatabaseError

# the server of the tests is older than the column `readonly`, which the client asks for when it starts
query_of = orchestration.QueryOp
orchestration.QueryOp = lambda text, *more, **named: query_of(
    text.replace("name, value, readonly", "name, value, 0 AS readonly"), *more, **named
)

host, port = sys.argv[1], int(sys.argv[2])
client = clickhouse_connect.get_client(
    host=host, port=port, secure=True, ca_cert=os.environ["SSL_CERT_FILE"], username="agent", password="nothing", compress="gzip"
)


def denied(what, run):
    try:
        print(what, run())
    except DatabaseError as error:
        print(what, "Code: 497" in str(error), "clawpatrol denied this statement" in str(error))


print("rows", client.query("SELECT number FROM system.numbers LIMIT 3").result_rows)
client.insert(
    "events",
    [[at, f"event {at}"] for at in range(20_000)],
    column_names=["at", "what"],
    column_type_names=["UInt32", "String"],
)
print("inserted", client.query("SELECT toInt32(count()) FROM events").result_rows)
denied("denied", lambda: client.query("SELECT * FROM hr.salaries"))
denied("denied command", lambda: client.command("DROP TABLE events"))
print("after", client.command("SELECT 1"))
client.close()
