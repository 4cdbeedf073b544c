-- Prefect's own database, beside the shop's. PostgreSQL's image runs this once, when its volume is still empty.
CREATE DATABASE prefect;
