-- The rows of one order's life, as Backroom's own tables have them. What only Backroom needs (claims, generations, the
-- effects ledger, sealed keys) is left out: the other engines have their own records in its place.
CREATE TABLE inbox (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE stock_levels (
    location TEXT NOT NULL, sku TEXT NOT NULL, on_hand INTEGER NOT NULL, reserved INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (location, sku), CHECK (reserved >= 0 AND on_hand >= reserved)
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, external_id TEXT NOT NULL,
    state TEXT NOT NULL, currency TEXT NOT NULL, total_minor INTEGER NOT NULL, contact TEXT NOT NULL,
    accepted_at TEXT NOT NULL, ended_at TEXT, UNIQUE (channel, external_id)
);
CREATE TABLE order_lines (
    order_id INTEGER NOT NULL, line_no INTEGER NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
    price_minor INTEGER NOT NULL, PRIMARY KEY (order_id, line_no)
);
CREATE TABLE routing_decisions (
    order_id INTEGER PRIMARY KEY, location TEXT NOT NULL, reasons TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE reservations (
    order_id INTEGER NOT NULL, location TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
    state TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (order_id, sku)
);
CREATE TABLE fulfilment_orders (
    order_id INTEGER PRIMARY KEY, location TEXT NOT NULL, state TEXT NOT NULL, opened_at TEXT NOT NULL, done_at TEXT
);
CREATE TABLE stock_movements (
    key TEXT PRIMARY KEY, location TEXT NOT NULL, sku TEXT NOT NULL, pieces INTEGER NOT NULL, at TEXT NOT NULL
);
CREATE TABLE shipments (
    order_id INTEGER PRIMARY KEY, carrier TEXT NOT NULL, tracking TEXT NOT NULL UNIQUE,
    return_tracking TEXT NOT NULL UNIQUE, cost_minor INTEGER NOT NULL, currency TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE labels (
    order_id INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, zpl TEXT NOT NULL, PRIMARY KEY (order_id, kind)
);
CREATE TABLE messages (
    order_id INTEGER PRIMARY KEY, medium TEXT NOT NULL, content TEXT NOT NULL, provider_id TEXT NOT NULL,
    sent_at TEXT NOT NULL
);
CREATE TABLE history (
    order_id INTEGER NOT NULL, event TEXT NOT NULL, data TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (order_id, event)
);
