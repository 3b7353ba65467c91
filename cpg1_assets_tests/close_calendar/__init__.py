"""Tests of the close calendar."""
