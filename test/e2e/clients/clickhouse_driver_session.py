"""A session with clickhouse-driver: each line says what came of one thing."""
import sys

from clickhouse_driver import Client, errors

host, method = sys.argv[1:]
compression = False if method == "none" else method
client = Client(host, user="agent", password="nothing", settings={"max_threads": 2}, compression=compression)


def told(run):
    try:
        return run()
    except errors.ServerException as error:
        return "code %d" % error.code


print("select", client.execute("select 1, 'two'"))
print("substituted", client.execute("select %(n)s + 1", {"n": 41}))
rows = [(n, "row %d" % n) for n in range(1000)]
print("insert", client.execute("insert into numbers (id, text) values", rows))
print("denied insert", told(lambda: client.execute("insert into secrets (id) values", [(1,), (2,)])))
print("denied", told(lambda: client.execute("drop table numbers")))
external = [{"name": "ext", "structure": [("n", "UInt32")], "data": [{"n": 1}, {"n": 2}]}]
print("external", client.execute("select sum(n) from ext", external_tables=external))
print("denied external", told(lambda: client.execute("select n from ext, secrets", external_tables=external)))
print("wrong", told(lambda: client.execute("select nothing")))
count = 0
for row in client.execute_iter("select id, text, [id], toNullable(id) from numbers order by id", {"max_block_size": 100}):
    count += row == (count, "row %d" % count, [count], count)
print("read", count)
progress = client.execute_with_progress("select count() from numbers")
print("progress", progress.get_result())
client.disconnect()
print("again", client.execute("select 3"))
