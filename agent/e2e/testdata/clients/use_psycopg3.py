# psycopg 3: parameters on the server's side, prepared after the fifth execution, rows as text and as binary.
import io

import psycopg
from psycopg import sql
from psycopg.types import TypeInfo
from psycopg.types.enum import EnumInfo, register_enum
from psycopg.types.json import Jsonb

from show import KINDS, MISTAKES, NEVER_ENDS, Cancelling, own, rows

conn = psycopg.connect("", autocommit=True)
info = conn.info
print(info.server_version, info.encoding, info.timezone, info.transaction_status.name, info.dbname, info.user)
for name in ("server_version", "DateStyle", "IntervalStyle", "integer_datetimes", "standard_conforming_strings", "is_superuser", "session_authorization"):
    print(name, info.parameter_status(name))


def failed(error):
    d = error.diag
    print(type(error).__name__, d.severity, d.sqlstate, d.message_primary, d.message_detail, d.message_hint, d.statement_position)


def ask(text, params=None, **kw):
    try:
        cur = conn.execute(text, params, **kw)
    except psycopg.Error as error:
        failed(error)
    else:
        print(cur.statusmessage, cur.rowcount, [(c.name, c.type_code, c.display_size, c.internal_size, c.precision, c.scale) for c in cur.description or ()])
        rows(text, cur.fetchall() if cur.description else [])


for binary in (False, True):
    ask(KINDS, binary=binary)
    ask("SELECT id, status, total, created_at IS NULL AS dated FROM orders WHERE status = %s AND total < %s ORDER BY id LIMIT 3", ("paid", 9), binary=binary)
for t in ("status", "percent", "kinds"):
    found = TypeInfo.fetch(conn, t)
    print(found.name, found.oid, found.array_oid)
status = EnumInfo.fetch(conn, "status")
print(status.labels)
register_enum(status, conn)
ask("SELECT DISTINCT status FROM orders ORDER BY status")

# parameters of many types
for text, params in (
    ("SELECT id FROM kinds WHERE i2 = %s OR i4 = %s OR i8 = %s ORDER BY id", (0, 2147483647, -(2**63))),
    ("SELECT id FROM kinds WHERE b = %s AND f8 < %s AND n2 < %s", (True, 1.5, 13)),
    ("SELECT id FROM kinds WHERE t = %s AND by = %s", ('Grüße, "x" \\ y', b"\x00\xde\xad\xbe\xef")),
    ("SELECT id FROM kinds WHERE id = ANY(%s) ORDER BY id", ([1, 2, 3],)),
    ("SELECT id FROM kinds WHERE jb = %s", (Jsonb({"a": [1, 2.5]}),)),
    ("SELECT id, %s::text, %s::int[] FROM kinds WHERE id = 1", (None, [1, None])),
    ('SELECT "No", "Issued On" FROM "Billing"."Invoice" WHERE "orderId" = %(order)s', {"order": 7}),
    ("SELECT id FROM orders WHERE status = %s", ("nothing",)),
    ("SELECT id FROM orders WHERE id = %s", ("x",)),
):
    ask(text, params)
ask(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("Billing", "Invoice")))
ask("SELECT count(*) FROM orders; SELECT 'second'")

# ten executions: the sixth is of a named statement
for binary in (False, True):
    for i in range(10):
        ask("SELECT id, total, created_at IS NULL AS undated, status FROM orders WHERE id = %s AND total < %s", (i, 1000), binary=binary)

# a pipeline
with conn.pipeline() as p:
    cursors = [conn.execute("SELECT count(*) FROM orders WHERE status = %s", (s,)) for s in ("new", "paid", "shipped")]
    p.sync()
    rows("pipeline", [c.fetchone() for c in cursors])
try:
    with conn.pipeline():
        conn.execute("SELECT 1/0 FROM orders")
        conn.execute("SELECT 1")
except psycopg.Error as error:
    failed(error)

# errors, transactions, savepoints
for text in MISTAKES:
    ask(text)
with conn.transaction(force_rollback=True):
    ask("SELECT count(*) FROM orders")
    try:
        with conn.transaction():
            conn.execute("SELECT id / 0 FROM orders")
    except psycopg.Error as error:
        failed(error)
    ask("SELECT count(*) FROM orders")
    ask("SELECT nothing FROM orders")
    ask("SELECT count(*) FROM orders")
    print(info.transaction_status.name)
ask("SELECT count(*) FROM orders")
conn.isolation_level, conn.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
with conn.transaction():
    ask("SELECT count(*) FROM orders")
conn.isolation_level, conn.read_only = None, None

# paging: on the server's side by a cursor with a name, on ours by single rows
try:
    with conn.transaction(), conn.cursor("page", scrollable=False) as cur:
        cur.itersize = 7
        cur.execute("SELECT id, total FROM orders WHERE id <= %s ORDER BY id", (20,))
        rows("cursor", cur.fetchmany(3))
        rows("rest", cur)
except psycopg.Error as error:
    failed(error)
with conn.cursor() as cur:
    rows("stream", cur.stream("SELECT id, status FROM orders WHERE id <= %s ORDER BY id", (5,)))

# copy out
for text in ("COPY kinds TO STDOUT (FORMAT binary)", "COPY (SELECT id, t, n, ai, tz FROM kinds ORDER BY id) TO STDOUT", "COPY kinds TO STDOUT (FORMAT csv, HEADER)"):
    with conn.cursor().copy(text) as copy:
        print(b"".join(copy))
with conn.cursor().copy("COPY (SELECT id, t, n FROM kinds ORDER BY id) TO STDOUT") as copy:
    copy.set_types(["int4", "text", "numeric"])
    rows("copy", copy.rows())
with conn.cursor().copy("COPY (SELECT id, t, n FROM kinds ORDER BY id) TO STDOUT (FORMAT binary)") as copy:
    copy.set_types(["int4", "text", "numeric"])
    rows("copy binary", copy.rows())
try:
    with conn.cursor().copy("COPY (SELECT 1/0) TO STDOUT") as copy:
        copy.read()
except psycopg.Error as error:
    failed(error)

for text in (NEVER_ENDS, "SELECT pg_sleep(60)"):
    with Cancelling(conn.cancel):
        ask(text)
ask("SELECT count(*) FROM orders")

own(lambda text, *p: conn.execute(text.format(*["%s"] * len(p)), p).fetchone()[0], conn.execute, lambda e: e.sqlstate)
