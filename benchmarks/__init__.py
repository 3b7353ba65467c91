"""Benchmarks anyone can run with `make bench`: ratios and peaks of one run on one machine, never a test."""
