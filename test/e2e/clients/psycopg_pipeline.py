"""psycopg 3 in pipeline mode, as an agent would use it: prints one line for each thing it tries."""
import sys

import psycopg

host, port = sys.argv[1:]
with psycopg.connect(host=host, port=port, user="agent", dbname="postgres", autocommit=True) as session:
    with session.pipeline():
        answers = [session.execute("select %s::int", [number]) for number in range(20)]
        print("pipeline", sum(answer.fetchone()[0] for answer in answers))
    try:
        with session.pipeline() as pipeline:
            first = session.execute("select 1")
            session.execute("delete from orders where id = %s", [1])
            last = session.execute("select 2")
            pipeline.sync()
        print("no denial")
    except psycopg.errors.InsufficientPrivilege as error:
        print("denied", error.diag.sqlstate, error.diag.message_primary)
    with session.pipeline():
        print("after", session.execute("select count(*) from orders").fetchone()[0])
    with session.cursor() as cursor:
        cursor.executemany("insert into orders values (%s)", [[number] for number in range(100, 110)])
        with cursor.copy("copy orders to stdout") as copy:
            print("copied", len(list(copy.rows())))
        with cursor.copy("copy orders (id) from stdin") as copy:
            for number in range(200, 210):
                copy.write_row([number])
        cursor.execute("update orders set note = 'x' where id >= 100")
        print("updated", cursor.rowcount)
