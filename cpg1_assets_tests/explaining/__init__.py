"""Tests of the room `explaining`."""
