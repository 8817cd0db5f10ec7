"""The facility's SQLite store: one module a table, its schema by version, its check and repair."""
