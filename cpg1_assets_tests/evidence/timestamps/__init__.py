"""Tests of timestamps: of the links, of what an authority replies, and of what verify says of both."""
