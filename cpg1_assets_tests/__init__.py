"""Tests of the control. Each is named after what must be true."""
