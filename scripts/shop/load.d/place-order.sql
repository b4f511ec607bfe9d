\set customer random_zipfian(1, :customers, 1.05)
\set first random_zipfian(1, :products, 1.05)
\set second random_zipfian(1, :products, 1.05)
BEGIN;
INSERT INTO orders (customer_id, total) SELECT :customer, sum(price) FROM products WHERE id IN (:first, :second) RETURNING id AS order \gset
INSERT INTO order_items (order_id, line, product_id, quantity, price) SELECT :order, row_number() OVER (ORDER BY id), id, 1, price FROM products WHERE id IN (:first, :second);
COMMIT;
