"""Records what real ClickHouse clients and servers say, for the tests of workers/wire/clickhouse.

Needs chdb-core, clickhouse-driver, clickhouse-cityhash and clickhouse-client, and a ClickHouse 18.16 to talk to:
    python3 scripts/record-clickhouse.py 127.0.0.1 9000 > workers/wire/clickhouse/recorded.fixture.json
What is recorded differs from run to run in ids and times only.
"""
import base64, json, socket, struct, subprocess, sys, threading

from chdb.session import Session
from clickhouse_cityhash.cityhash import CityHash128
from clickhouse_driver import Client

COLUMNS = [
    ("a", "UInt8"), ("b", "Array(LowCardinality(Nullable(String)))"), ("m", "Map(String, Array(Int32))"),
    ("t", "Tuple(x UInt8, `y z` String)"), ("g", "Point"), ("s", "String"), ("sf", "SimpleAggregateFunction(sum, UInt64)"),
    ("n", "Nullable(Decimal(20, 3))"), ("ns", "Nested(k String, v UInt8)"), ("i", "IPv6"), ("ti", "Time64(3)"),
    ("e", "Enum8('x, (y' = -1, 'it\\'s' = 2)"),
]
ROWS = """select number, if(number % 3 = 0, [], ['a', NULL, 'b']), map('k', [1, 2, number]), (number, 'q'), (1.5, 2.5),
    repeat('text', number * 9), number, if(number % 2, NULL, number), [('p', 3)], '::1', '01:02:03',
    if(number % 2, 'x, (y', 'it\\'s') from numbers(5)"""
REVISIONS = [54429, 54441, 54442, 54448, 54449, 54453, 54454, 54458, 54459, 54469]
METHODS = ["LZ4", "ZSTD", "NONE"]
NATIVE = [
    "Int8", "UInt16", "Int32", "UInt64", "Int128", "UInt256", "Float32", "Float64", "Bool", "UUID", "IPv4", "IPv6",
    "Date", "Date32", "DateTime", "DateTime('Europe/Berlin')", "DateTime64(6, 'UTC')", "String", "FixedString(7)",
    "Decimal(9, 2)", "Decimal(18, 2)", "Decimal(38, 2)", "Decimal(76, 2)", "Enum16('a' = 1000)", "Nullable(String)",
    "Nullable(UInt16)", "Array(Array(Nullable(Int16)))", "Map(LowCardinality(String), Array(String))",
    "Tuple(Tuple(String, Array(UInt8)), Int64)", "LowCardinality(Nullable(FixedString(3)))", "Ring", "LineString",
    "MultiLineString", "Polygon", "MultiPolygon",
]
LITERALS = {
    "IntervalDay": "toIntervalDay(1)", "IntervalNanosecond": "toIntervalNanosecond(1)", "Nullable(Nothing)": "NULL",
    "Array(Nothing)": "[]", "BFloat16": "1.5::BFloat16", "Time": "'01:02:03'::Time", "Time64(9)": "'01:02:03'::Time64(9)",
}


def varint(n):
    out = b""
    while n >= 128:
        out += bytes([n % 128 + 128])
        n //= 128
    return out + bytes([n])


def text(value):
    raw = value.encode()
    return varint(len(raw)) + raw


def frame(plain):
    body = b"\x02" + struct.pack("<II", len(plain) + 9, len(plain)) + plain
    checksum = CityHash128(body)
    return struct.pack("<QQ", checksum >> 64, checksum & (2**64 - 1)) + body


def block(revision, columns, rows):
    plain = b"\x01\x00\x02\xff\xff\xff\xff\x00" + varint(len(columns)) + varint(len(rows))
    for index, (name, kind) in enumerate(columns):
        plain += text(name) + text(kind) + (b"\0" if revision >= 54454 else b"")
        plain += b"".join(text(row[index]) for row in rows)
    return b"\x01\x00" + frame(plain)


def hello(revision):
    out = b"\x00" + text("ClickHouse") + varint(24) + varint(9) + varint(revision) + text("UTC") + text("test") + varint(1)
    if revision >= 54461:
        out += varint(1) + text(".{12}") + text("be long")
    return out + (b"nonce123" if revision >= 54462 else b"")


def quiet(peer, seconds=0.3):
    """What comes until nothing more does."""
    peer.settimeout(10)
    got = peer.recv(65536)
    peer.settimeout(seconds)
    try:
        while True:
            more = peer.recv(65536)
            if not more:
                return got
            got += more
    except TimeoutError:
        return got


def imitate(listener, revision, found):
    """Answers one client that asks for the columns of a table and inserts into it."""
    peer, _ = listener.accept()
    said = quiet(peer)
    peer.sendall(hello(revision))
    names = [(n, "String") for n in ("name", "type", "default_type", "default_expression", "comment", "codec", "ttl")]
    described = [[name, kind, "", "", "", "", ""] for name, kind in COLUMNS]
    while b"INSERT INTO" not in said:
        more = quiet(peer)
        said += more
        if b"DESC TABLE" in more:
            peer.sendall(block(revision, names, []) + block(revision, names, described) + b"\x05")
        elif b"INSERT INTO" not in more:
            peer.sendall(b"\x09\x01" + text("default") + text("t") + b"\x00")
    peer.sendall(block(revision, COLUMNS, []))
    said += quiet(peer)
    peer.sendall(b"\x05")
    found.append(said)
    peer.close()


def listen():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener, listener.getsockname()[1]


def newest_client():
    session = Session()
    session.query("set flatten_nested = 0")
    session.query("set enable_time_time64_type = 1")
    session.query("create database d")
    session.query("create table d.t (" + ", ".join(f"{n} {t}" for n, t in COLUMNS) + ") engine = Memory")
    session.query("insert into d.t " + ROWS)
    version = session.query("select version()", "TSV").data().strip()
    for index, revision in enumerate(REVISIONS):
        listener, port = listen()
        found = []
        server = threading.Thread(target=imitate, args=(listener, revision, found))
        server.start()
        method = METHODS[index % 3]
        target = f"remote('127.0.0.1:{port}', 'default', 't', 'default', '')"
        session.query(f"insert into function {target} select * from d.t settings network_compression_method = '{method}'")
        server.join()
        yield {"client": f"ClickHouse {version}", "revision": revision, "method": method, "said": encoded(found[0])}


def native_blocks():
    session = Session()
    session.query("set enable_time_time64_type = 1")
    session.query("set allow_suspicious_low_cardinality_types = 1")
    for kind in NATIVE:
        escaped = kind.replace("'", "\\'")
        query = f"select * from generateRandom('x {escaped}', 1, 12, 4) limit 6"
        yield {"type": kind, "rows": 6, "bytes": encoded(session.query(query, "Native").bytes())}
    for kind, literal in LITERALS.items():
        yield {"type": kind, "rows": 1, "bytes": encoded(session.query(f"select {literal} as x", "Native").bytes())}


def tap(host, port, run):
    """Both directions of the connection that `run` makes."""
    listener, own = listen()
    directions = []

    def serve():
        client, _ = listener.accept()
        server = socket.create_connection((host, port))
        pumps = []
        for source, target in ((client, server), (server, client)):
            directions.append([])
            pumps.append(threading.Thread(target=pump, args=(source, target, directions[-1])))
            pumps[-1].start()
        for each in pumps:
            each.join()

    serving = threading.Thread(target=serve)
    serving.start()
    run(own)
    serving.join()
    return [b"".join(each) for each in directions]


def pump(source, target, said):
    try:
        while chunk := source.recv(65536):
            said.append(chunk)
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


OLD = """create temporary table t (a Int64, s String, n Nullable(String), k Array(Array(UInt16)), e Enum8('x' = 1, 'y, (z' = -2),
    d Decimal(30, 4), c LowCardinality(Nullable(String)));
insert into t values (1, 'one', NULL, [[1], []], 'x', 1.5, 'c'), (2, 'two', 'z', [], 'y, (z', 2.5, NULL);
select *, (a, s) from t;
select k, count() from t group by k with totals settings extremes = 1;
select nothing;
select number, toString(number) from system.numbers limit 3"""


def old_sessions(host, port):
    for method in ("none", "lz4", "zstd"):
        options = ["--compression=0"] if method == "none" else [f"--network_compression_method={method}"]
        options += ["--max_threads=1", "--totals_auto_threshold=0.25", "--send_logs_level=information", "--ignore-error", "-mn"]
        client, server = tap(host, port, lambda own: subprocess.run(
            ["clickhouse-client", "--host=127.0.0.1", f"--port={own}", *options], input=OLD.encode(), capture_output=True))
        yield {"client": "clickhouse-client 18.16", "method": method, "said": encoded(client), "answered": encoded(server)}
    for method in ("lz4", "zstd"):
        client, server = tap(host, port, lambda own: driver(own, method))
        yield {"client": "clickhouse-driver", "method": method, "said": encoded(client), "answered": encoded(server)}


def driver(port, method):
    client = Client("127.0.0.1", port=port, compression=method, settings={"max_threads": 1, "totals_auto_threshold": 0.3})
    client.execute("select * from e", external_tables=[
        {"name": "e", "structure": [("x", "Int32"), ("y", "Array(String)")], "data": [{"x": 1, "y": ["a", "b"]}]}])
    client.disconnect()


def hashes():
    for length in [*range(0, 35), 63, 64, 127, 128, 143, 144, 145, 175, 176, 207, 239, 271, 272, 273, 400, 1000]:
        checksum = CityHash128(bytes((i * 131 + length) % 251 for i in range(length)))
        yield [length, struct.pack("<QQ", checksum >> 64, checksum & (2**64 - 1)).hex()]


def encoded(raw):
    return base64.b64encode(raw).decode()


host, port = sys.argv[1], int(sys.argv[2])
json.dump({"newest": list(newest_client()), "blocks": list(native_blocks()), "sessions": list(old_sessions(host, port)),
           "hashes": list(hashes())}, sys.stdout, indent=2)
print()
