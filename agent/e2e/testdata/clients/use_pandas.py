# pandas, and bulk reading in the way in which DuckDB's postgres extension does it: binary COPY within REPEATABLE READ.
import warnings

import pandas
import psycopg
import sqlalchemy as sa

from show import own

warnings.simplefilter("ignore")
pandas.set_option("display.width", 300, "display.max_columns", None, "display.max_colwidth", None)
engine = sa.create_engine("postgresql+psycopg2://")


def show(frame):
    print(frame.dtypes, frame, sep="\n")


with engine.connect() as conn:
    show(pandas.read_sql("SELECT * FROM kinds ORDER BY id", conn))
    show(pandas.read_sql(sa.text("SELECT id, status, total FROM orders WHERE id < :n ORDER BY id"), conn, params={"n": 10}))
    show(pandas.read_sql_table("Invoice", conn, schema="Billing").sort_values("No").head(3))
    for chunk in pandas.read_sql("SELECT id, total FROM orders ORDER BY id", conn, chunksize=4000):
        print(len(chunk), chunk["id"].sum(), chunk["total"].sum())
    orders = pandas.read_sql("SELECT * FROM orders", conn)
    print(orders.groupby("status")["total"].agg(["count", "sum"]))

with psycopg.connect("", autocommit=True) as conn:
    conn.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    print(conn.execute("SELECT pg_is_in_recovery()").fetchone())
    for text in ('COPY (SELECT "id", "customer_id", "status", "total", "created_at" IS NOT NULL FROM "public"."orders" WHERE "id" BETWEEN 100 AND 199 ORDER BY "id") TO STDOUT (FORMAT "binary")',
                 'COPY (SELECT "id", "b", "i2", "f8", "n", "t", "by", "u", "d", "tm", "ts", "tz", "iv", "ai", "at" FROM "public"."kinds" ORDER BY "id") TO STDOUT (FORMAT "binary")',
                 'COPY (SELECT "id" FROM "public"."orders" WHERE false) TO STDOUT (FORMAT "binary")'):
        try:
            with conn.cursor().copy(text) as copy:
                print(b"".join(bytes(b) for b in copy))
        except psycopg.Error as error:
            print(error.sqlstate, error)
    conn.execute("ROLLBACK")

with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
    own(lambda text, *p: pandas.read_sql(sa.text(text.format(":p")), conn, params={"p": p[0]} if p else {}).iloc[0, 0], lambda text: conn.execute(sa.text(text)), lambda e: e.orig.pgcode)
