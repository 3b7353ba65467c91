"""Tests of the room `comments`."""
