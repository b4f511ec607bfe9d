# asyncpg: everything prepared, everything binary; it reads the definitions of types that it does not know from the catalog.
import asyncio
import datetime
import os

import asyncpg

from show import KINDS, MISTAKES, NEVER_ENDS, THEN, rows


def failed(error):
    print(type(error).__name__, error.severity, error.sqlstate, error.message, error.detail, error.hint, error.position)


async def connect():
    return await asyncpg.connect(user=os.environ["PGUSER"])


async def ask(conn, text, *params):
    try:
        rows(text, await conn.fetch(text, *params))
    except asyncpg.PostgresError as error:
        failed(error)


async def main():
    conn = await connect()
    print(conn.get_server_version(), conn.get_settings().server_encoding, conn.get_settings().TimeZone, conn.get_settings().DateStyle)
    await ask(conn, KINDS)
    for text in ("SELECT id, status, total FROM orders WHERE status = $1 AND total < $2 ORDER BY id LIMIT $3", KINDS):
        statement = await conn.prepare(text)
        print([(p.name, p.oid, p.kind) for p in statement.get_parameters()])
        print([(a.name, a.type.name, a.type.oid, a.type.kind, a.type.schema) for a in statement.get_attributes()])
    await ask(conn, "SELECT id, status, total FROM orders WHERE status = $1 AND total < $2 ORDER BY id LIMIT $3", "paid", 9, 3)
    await ask(conn, "SELECT id FROM kinds WHERE t = $1 AND by = $2 AND id = ANY ($3)", 'Grüße, "x" \\ y', b"\x00\xde\xad\xbe\xef", [1, 2])
    await ask(conn, "SELECT id, $1::text, $2::int[] FROM kinds WHERE id = 1", None, [1, None])
    await ask(conn, "SELECT id FROM kinds WHERE st = ANY ($1::status[]) AND n2 = $2 AND d > $3 ORDER BY id", ["paid", "new"], 0, datetime.date(1, 1, 1))
    await ask(conn, 'SELECT "No", "Issued On" FROM "Billing"."Invoice" WHERE "orderId" = $1', 7)
    await ask(conn, "SELECT id FROM orders WHERE status = $1", "nothing")
    await ask(conn, "SELECT i FROM order_items i WHERE order_id = 2")
    for i in range(10):
        await ask(conn, "SELECT id, total, status FROM orders WHERE id = $1 AND total < $2", i, 1000)
    print(await conn.fetchval("SELECT id FROM orders ORDER BY id"), await conn.fetchval("SELECT count(*) FROM customers"))
    print(await conn.execute("SELECT count(*) FROM orders; SELECT 1"), await conn.execute("SET application_name = 'x'"))

    for text in MISTAKES:
        await ask(conn, text)
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await ask(conn, "SELECT count(*) FROM orders")
        try:
            async with conn.transaction():
                await conn.execute("SELECT id / 0 FROM orders")
        except asyncpg.PostgresError as error:
            failed(error)
        await ask(conn, "SELECT count(*) FROM orders")
    transaction = conn.transaction()
    await transaction.start()
    await ask(conn, "SELECT nothing FROM orders")
    await ask(conn, "SELECT count(*) FROM orders")
    await transaction.rollback()
    await ask(conn, "SELECT count(*) FROM orders")

    async with conn.transaction():
        left = await conn.cursor("SELECT id, total FROM orders WHERE id <= $1 ORDER BY id", 20)
        rows("left", await left.fetch(3))
        right = await conn.cursor("SELECT relname FROM pg_class WHERE relname LIKE 'orders%' ORDER BY 1")
        rows("right", await right.fetch(2))
        await left.forward(4)
        rows("left", [await left.fetchrow()])
        rows("right", await right.fetch(100))
        rows("iterated", [r async for r in conn.cursor("SELECT id FROM orders WHERE id < 30 ORDER BY id", prefetch=10)])

    for text, options in (("SELECT id, t, n, ai, tz FROM kinds ORDER BY id", {}), (KINDS, {"format": "csv", "header": True}), (KINDS, {"format": "binary"})):
        out = []

        async def keep(data):
            out.append(data)

        try:
            print(await conn.copy_from_query(text, output=keep, **options), b"".join(out))
        except asyncpg.PostgresError as error:
            failed(error)

    for text in (NEVER_ENDS, "SELECT pg_sleep(60)"):
        try:
            await conn.fetch(text, timeout=0.5)  # which cancels
        except asyncio.TimeoutError:
            print("cancelled")
    await ask(conn, "SELECT count(*) FROM orders")
    await conn.reset()
    await conn.close()
    if THEN:
        await foreshadow()


async def foreshadow():
    conn = await connect()
    print("== foreshadow")
    print("state:", await conn.fetchval("SELECT state FROM foreshadow.capture_status"))
    print("events now:", await conn.fetchval("SELECT count(*) FROM events"))
    await conn.execute(f"SET foreshadow.as_of = '{THEN}'")
    print("events then, by session:", await conn.fetchval("SELECT count(*) FROM events"))
    await conn.execute("RESET foreshadow.as_of")
    print("events then, by parameter:", await conn.fetchval("SELECT count(*) FROM events AS OF $1", THEN))
    print("deleted since:", await conn.fetchval("SELECT count(*) FROM foreshadow.change_log WHERE relation = $1 AND transaction_type = 'delete'", "public.events"))
    try:
        await conn.execute("UPDATE orders SET id = 0")
    except asyncpg.PostgresError as error:
        print("write:", error.sqlstate)
    await conn.close()


asyncio.run(main())
