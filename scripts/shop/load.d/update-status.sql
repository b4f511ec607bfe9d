\set order random(:orders - 2000, :orders)
UPDATE orders SET status = CASE status WHEN 'new' THEN 'paid' WHEN 'paid' THEN 'shipped' WHEN 'shipped' THEN 'delivered' ELSE status END, shipped_at = CASE WHEN status = 'paid' THEN greatest(now(), created_at) ELSE shipped_at END WHERE id = :order;
