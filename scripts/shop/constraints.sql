-- Keys and indexes, after the rows: building them once is several times faster than keeping them up row by row.
SET ROLE shop_owner;
CREATE UNIQUE INDEX customers_email_key ON customers (lower(email));
ALTER TABLE products ADD CONSTRAINT products_sku_key UNIQUE (sku);
CREATE INDEX products_category_idx ON products (category, price) WHERE active;
CREATE INDEX orders_customer_idx ON orders (customer_id, created_at);
CREATE INDEX orders_created_idx ON orders (created_at);
CREATE INDEX orders_open_idx ON orders (status) WHERE status IN ('new', 'paid');
CREATE INDEX order_items_product_idx ON order_items (product_id);
CREATE INDEX events_created_idx ON events (created_at);
CREATE INDEX events_customer_idx ON events (customer_id, created_at) WHERE customer_id IS NOT NULL;
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE order_items ADD FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE;
ALTER TABLE order_items ADD FOREIGN KEY (product_id) REFERENCES products (id);
ALTER TABLE events ADD FOREIGN KEY (customer_id) REFERENCES customers (id);
CREATE VIEW daily_sales AS
  SELECT date_trunc('day', created_at) AS day, count(*) AS orders, sum(total) AS revenue FROM orders WHERE status <> 'cancelled' GROUP BY 1;
COMMENT ON VIEW daily_sales IS 'Orders and revenue by day, without cancelled orders';
GRANT SELECT, INSERT, UPDATE, DELETE ON customers, products, orders, order_items, events TO shop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop_app;
GRANT SELECT ON customers, products, orders, order_items, events, daily_sales TO analyst;
RESET ROLE;
ANALYZE;
