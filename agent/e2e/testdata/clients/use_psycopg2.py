# psycopg2: simple queries with parameters written into the text, cursors with a name, COPY, notices.
import io

import psycopg2
import psycopg2.extras
from psycopg2 import extensions, sql

from show import KINDS, MISTAKES, NEVER_ENDS, Cancelling, own, rows

conn = psycopg2.connect("")
conn.autocommit = True
psycopg2.extras.register_uuid(conn_or_curs=conn)
print(conn.server_version, conn.encoding, conn.status, conn.get_transaction_status(), conn.isolation_level, conn.readonly)
for name in ("server_version", "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings", "is_superuser", "session_authorization"):
    print(name, conn.get_parameter_status(name))


def failed(error):
    d = error.diag
    print(type(error).__name__, d.severity, d.sqlstate, d.message_primary, d.message_detail, d.message_hint, d.statement_position)


def ask(text, params=None):
    with conn.cursor() as cur:
        try:
            cur.execute(text, params)
        except psycopg2.Error as error:
            failed(error)
        else:
            print(cur.statusmessage, cur.rowcount, [tuple(c) for c in cur.description or ()])
            rows(text, cur.fetchall() if cur.description else [])


ask(KINDS)
ask("SELECT id, status, total FROM orders WHERE status = %s AND total < %s ORDER BY id LIMIT %s", ("paid", 9, 3))
ask("SELECT id FROM kinds WHERE t = %s AND by = %s AND id = ANY (%s)", ('Grüße, "x" \\ y', b"\x00\xde\xad\xbe\xef", [1, 2]))
ask("SELECT id FROM kinds WHERE (id, b) IN %s ORDER BY id", (((1, True), (2, False)),))
ask("SELECT id FROM orders WHERE id = %s", ("x",))
ask("SELECT count(*) FROM orders; SELECT 'second'")
ask(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("Billing", "Invoice")))
for i in range(10):
    ask("SELECT id, total FROM orders WHERE id = %s", (i,))

for text in MISTAKES:
    ask(text)

conn.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
ask("SELECT count(*) FROM orders")
print(conn.get_transaction_status())
ask("SAVEPOINT a")
ask("SELECT id / 0 FROM orders")
ask("SELECT count(*) FROM orders")
print(conn.get_transaction_status() == extensions.TRANSACTION_STATUS_INERROR)
ask("ROLLBACK TO a")
ask("SELECT count(*) FROM orders")
conn.rollback()
ask("SELECT count(*) FROM orders")
conn.commit()

try:
    with conn, conn.cursor("page") as cur:
        cur.itersize = 7
        cur.execute("SELECT id, total FROM orders WHERE id <= %s ORDER BY id", (20,))
        rows("cursor", cur.fetchmany(3))
        rows("rest", cur)
    with conn, conn.cursor("scrolling", scrollable=True) as cur:
        cur.execute("SELECT id, status FROM orders WHERE id <= 20 ORDER BY id")
        cur.scroll(5)
        rows("after", cur.fetchmany(2))
        cur.scroll(-4)
        rows("before", cur.fetchmany(2))
except psycopg2.Error as error:
    failed(error)
conn.rollback()
conn.set_session(isolation_level="DEFAULT", readonly="DEFAULT", autocommit=True)

for text in ("COPY (SELECT id, t, n, ai, tz FROM kinds ORDER BY id) TO STDOUT", "COPY kinds TO STDOUT (FORMAT csv, HEADER)", "COPY missing TO STDOUT"):
    with conn.cursor() as cur:
        out = io.StringIO()
        try:
            cur.copy_expert(text, out)
            print(cur.rowcount, out.getvalue())
        except psycopg2.Error as error:
            failed(error)
with conn.cursor() as cur:
    out = io.StringIO()
    cur.copy_to(out, "kinds", columns=("id", "t", "v"))
    print(out.getvalue())

for text in (NEVER_ENDS, "SELECT pg_sleep(60)"):
    with Cancelling(conn.cancel):
        ask(text)
ask("SELECT count(*) FROM orders")
conn.reset()
ask("SHOW search_path")


def value(text, *params):
    with conn.cursor() as cur:
        cur.execute(text.format(*["%s"] * len(params)), params)
        return cur.fetchone()[0]


def execute(text):
    with conn.cursor() as cur:
        cur.execute(text)


conn.rollback()
conn.autocommit = True
own(value, execute, lambda e: e.pgcode)
