"""Tests of the room `evidence.samples`."""
