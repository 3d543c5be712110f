"""asyncpg, as an agent would use it: prints one line for each thing it tries."""
import asyncio
import sys

import asyncpg

host, port = sys.argv[1:]


async def main():
    session = await asyncpg.connect(host=host, port=int(port), user="agent", database="postgres")
    print("fetch", [row["id"] for row in await session.fetch("select id from orders where id <= $1 order by id", 2)])
    statement = await session.prepare("select $1::text || '!'")
    print("prepared", await statement.fetchval("a"), await statement.fetchval("b"))
    try:
        async with session.transaction():
            await session.execute("delete from orders where id = $1", 1)
    except asyncpg.InsufficientPrivilegeError as error:
        print("denied", error.sqlstate, error)
    async with session.transaction():
        print("cursor", [row[0] async for row in session.cursor("select generate_series(1, 3)")])
    try:
        await session.execute("select pg_sleep(60)", timeout=1)
    except asyncio.TimeoutError:
        print("timed out")
    print("after", await session.fetchval("select count(*) from orders where id < 100"))
    await session.close()


asyncio.run(main())
