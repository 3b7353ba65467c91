"""What people look at, in a real browser: the Dagster UI as it is driven, and the pages that are only read."""
