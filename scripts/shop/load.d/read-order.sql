\set order random(1, :orders)
SELECT o.id, o.status, o.total, o.created_at, c.name, i.line, p.name AS product, i.quantity, i.price FROM orders o JOIN customers c ON c.id = o.customer_id LEFT JOIN order_items i ON i.order_id = o.id LEFT JOIN products p ON p.id = i.product_id WHERE o.id = :order ORDER BY i.line;
