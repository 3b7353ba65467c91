"""Tests of the extracts room."""
