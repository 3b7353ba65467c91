"""What a test needs of the machine: it is skipped by name where that is missing, and in CI it fails."""

import os

import pytest


def require(present: bool, what: str, how: str) -> None:  # noqa: FBT001
    """Skip the test, or fail it in CI, unless `present`; say `what` is missing and `how` to install it."""
    if present:
        return
    missing = f"{what} is missing: {how}"
    if os.environ.get("CPG1_TESTS_REQUIRE_ALL"):
        pytest.fail(missing)
    pytest.skip(missing)
