# psqlODBC through pyodbc: catalog functions, parameters, and cursors of its own (UseDeclareFetch).
import os

import pyodbc

from show import KINDS, MISTAKES, NEVER_ENDS, Cancelling, own, rows


def connect(**more):
    settings = {"Driver": "PostgreSQL Unicode", "Server": os.environ["PGHOST"], "Port": os.environ["PGPORT"], "Database": os.environ["PGDATABASE"], "UID": os.environ["PGUSER"],
                "PWD": os.environ.get("PGPASSWORD", ""), "SSLmode": os.environ["PGSSLMODE"], **more}
    return pyodbc.connect(";".join(f"{k}={v}" for k, v in settings.items()), autocommit=True)


def ask(conn, text, *params):
    try:
        cur = conn.execute(text, *params)
        print([(c[0], c[1].__name__, *c[3:]) for c in cur.description])
        rows(text, cur.fetchall())
    except pyodbc.Error as error:
        print(type(error).__name__, *error.args)


conn = connect()
print(conn.getinfo(pyodbc.SQL_DBMS_NAME), conn.getinfo(pyodbc.SQL_DBMS_VER), conn.getinfo(pyodbc.SQL_USER_NAME), conn.getinfo(pyodbc.SQL_DATABASE_NAME), conn.getinfo(pyodbc.SQL_MAX_IDENTIFIER_LEN))
cur = conn.cursor()
for schema in ("public", "Billing"):
    rows(schema, sorted(cur.tables(schema=schema).fetchall(), key=lambda r: r.table_name))
for table in ("orders", "kinds", "order_items", "Invoice", "paid_orders", "readings"):
    rows(table, cur.columns(table=table).fetchall())
    rows("primary key", cur.primaryKeys(table=table).fetchall())
    rows("foreign keys", cur.foreignKeys(foreignTable=table).fetchall())
    rows("references", cur.foreignKeys(table=table).fetchall())
    rows("row", cur.rowIdColumns(table=table, schema="Billing" if table == "Invoice" else "public").fetchall())
    rows("indexes", [r[:10] for r in cur.statistics(table=table, unique=False).fetchall()])  # pages and rows are the server's own
rows("types", cur.getTypeInfo().fetchall())
rows("procedures", cur.procedures(schema="public").fetchall())

for more in ({}, {"UseDeclareFetch": 1, "Fetch": 7}, {"UseServerSidePrepare": 0}, {"BoolsAsChar": 0, "ByteaAsLongVarBinary": 1, "Protocol": "7.4-0"}):
    print("==", more)
    conn = connect(**more)
    ask(conn, KINDS)
    ask(conn, "SELECT id, status, total FROM orders WHERE id = ? AND total < ?", 4, 100.5)
    ask(conn, "SELECT id, t FROM kinds WHERE t = ? AND b = ?", 'Grüße, "x" \\ y', True)
    ask(conn, "SELECT id, total FROM orders WHERE id <= 20 ORDER BY id")
    cur = conn.cursor()
    for i in range(10):
        rows("ten", cur.execute("SELECT id, total FROM orders WHERE id = ?", i).fetchall())
    for text in MISTAKES:
        ask(conn, text)
    conn.autocommit = False
    ask(conn, "SELECT count(*) FROM orders")
    ask(conn, "SELECT id / 0 FROM orders")
    ask(conn, "SELECT count(*) FROM orders")
    conn.rollback()
    ask(conn, "SELECT count(*) FROM orders")
    conn.commit()
    conn.autocommit = True

cur = conn.cursor()
with Cancelling(cur.cancel):
    try:
        cur.execute(NEVER_ENDS)
    except pyodbc.Error as error:
        print(type(error).__name__, *error.args)
ask(conn, "SELECT count(*) FROM orders")

own(lambda text, *p: conn.execute(text.format("?"), *p).fetchone()[0], conn.execute, lambda e: e.args[0])
