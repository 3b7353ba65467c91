"""A small sealed year, made once and copied for each test that tampers with it."""

import shutil
from pathlib import Path

import pytest

from cpg1_assets_tests.evidence.small_year import small_year


@pytest.fixture(scope="session")
def sealed_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seal a small year once; nobody writes in it."""
    return small_year(tmp_path_factory.mktemp("year") / "evidence")


@pytest.fixture
def year(sealed_year: Path, tmp_path: Path) -> Path:
    """Give a copy of the sealed year to tamper with."""
    return Path(shutil.copytree(sealed_year, tmp_path / "copy" / "evidence"))
