"""What is taken from the sources: one query and one contract per extract, and what reads and runs them."""
