\set customer random_zipfian(1, :customers, 1.05)
\set product random_zipfian(1, :products, 1.05)
INSERT INTO events (customer_id, kind, path, detail) VALUES (:customer, 'view', '/p/' || :product, '{"ms": 35, "agent": "firefox"}');
