"""Tests of the room `evidence.row_tree`."""
