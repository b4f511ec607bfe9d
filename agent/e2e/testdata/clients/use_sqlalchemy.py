# SQLAlchemy over psycopg2: reflection of everything, the ORM's way of asking, streamed results.
import sqlalchemy as sa

from show import NEVER_ENDS, Cancelling, own, rows

engine = sa.create_engine("postgresql+psycopg2://", pool_size=1, max_overflow=0)
inspector = sa.inspect(engine)
print(engine.dialect.server_version_info, engine.dialect.default_schema_name)
print([s for s in inspector.get_schema_names() if s != "foreshadow"])
for schema in ("public", "Billing"):
    print(schema, sorted(inspector.get_table_names(schema)), sorted(inspector.get_view_names(schema)), sorted(inspector.get_sequence_names(schema)))
    print(inspector.get_enums(schema))
    for table in sorted(inspector.get_table_names(schema)) + sorted(inspector.get_view_names(schema)):
        print("==", schema, table)
        for column in inspector.get_columns(table, schema):
            print(column["name"], repr(column["type"]), {k: v for k, v in column.items() if k not in ("name", "type")})
        print(inspector.get_pk_constraint(table, schema))
        print(inspector.get_foreign_keys(table, schema))
        print(sorted(inspector.get_indexes(table, schema), key=lambda i: i["name"]))
        print(inspector.get_unique_constraints(table, schema))
        print(sorted(inspector.get_check_constraints(table, schema), key=lambda c: c["name"]))
        print(inspector.get_table_comment(table, schema))
print(inspector.get_view_definition("paid_orders"))

meta = sa.MetaData()
meta.reflect(engine, only=["orders", "customers", "order_items"])
orders, customers, items = (meta.tables[t] for t in ("orders", "customers", "order_items"))
with engine.connect() as conn:
    joined = sa.select(customers.c.city, sa.func.count(), sa.func.sum(orders.c.total)).join_from(orders, customers).where(orders.c.status == "paid").group_by(customers.c.city).order_by(customers.c.city)
    rows("joined", conn.execute(joined))
    rows("in", conn.execute(sa.select(orders.c.id, orders.c.status).where(orders.c.id.in_([1, 2, 3])).order_by(orders.c.id)))
    rows("exists", conn.execute(sa.select(customers.c.id).where(sa.exists().where(orders.c.customer_id == customers.c.id, orders.c.total > 499)).order_by(customers.c.id).limit(3).offset(1)))
    ranked = sa.select(orders.c.id, sa.func.row_number().over(partition_by=orders.c.status, order_by=orders.c.id).label("n")).subquery()
    rows("ranked", conn.execute(sa.select(ranked).where(ranked.c.n <= 2).order_by(ranked.c.id)))
    for i in range(10):
        rows("ten", conn.execute(sa.text("SELECT id, total FROM orders WHERE id = :id"), {"id": i}))
for text in ("SELECT * FROM missing", "SELECT 1/0", "SELECT id FROM orders WHER id = 1", "SELECT amount FROM salaries"):
    with engine.connect() as conn:
        for again in (text, "SELECT count(*) FROM orders"):
            try:
                rows(again, conn.execute(sa.text(again)))
            except sa.exc.DBAPIError as error:
                print(type(error).__name__, error.orig.pgcode, str(error.orig))
with engine.connect() as conn:
    try:
        rows("streamed", conn.execution_options(stream_results=True, yield_per=7).execute(sa.select(orders.c.id).where(orders.c.id <= 20).order_by(orders.c.id)))
    except sa.exc.DBAPIError as error:
        print(type(error).__name__, error.orig.pgcode, str(error.orig))
with engine.connect() as conn:
    with Cancelling(conn.connection.dbapi_connection.cancel):
        try:
            conn.execute(sa.text(NEVER_ENDS))
        except sa.exc.DBAPIError as error:
            print(type(error).__name__, error.orig.pgcode, str(error.orig))

with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
    own(lambda text, *p: conn.execute(sa.text(text.format(":p")), {"p": p[0]} if p else {}).scalar(), lambda text: conn.execute(sa.text(text)), lambda e: e.orig.pgcode)
