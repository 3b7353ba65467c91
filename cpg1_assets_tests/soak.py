"""What `make test` tries a few times and `make soak` for as long as it takes: more examples, more places to die at.

Each kind is in `make test`. What is left for `make soak` is the same again with other figures.
"""

import os

import pytest

SOAKED = bool(os.environ.get("CPG1_TESTS_SOAK"))
soak = pytest.mark.soak
"""Marks a parameter that is tried in `make soak` only."""


def examples(few: int) -> int:
    """Give how many examples hypothesis tries, where an example takes seconds."""
    return few * 25 if SOAKED else few
