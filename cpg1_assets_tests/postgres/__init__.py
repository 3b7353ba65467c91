"""A real database server over real ODBC: PostgreSQL holds the sample books, and every fault is a real one."""
