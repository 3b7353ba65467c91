"""Parquet files: how they are written, where they are kept, how they are handed on."""
