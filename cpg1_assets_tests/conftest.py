"""What the tests of every room share: an environment of their own, the sample books, a month closed once.

How a test closes a month is in `closing`; how it tampers with a source, in `tampering`.
"""

import functools
import hashlib
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import dagster as dg
import hypothesis
import pyarrow as pa
import pytest
from pyarrow import feather

import cpg1_assets.deployment
import cpg1_assets.evidence.audit.reperform
import cpg1_assets.graph.control_effectiveness
from cpg1_assets.effectiveness.control_effectiveness import control_effectiveness
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.rules.graph import Circumstances
from cpg1_assets.sample_books import make_sample_books
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import Closed, close
from cpg1_assets_tests.soak import examples

ORDINARY_MONTH = "2025-09"


# How long an example takes says nothing about the control, and machines differ.
hypothesis.settings.register_profile("control", deadline=None, max_examples=examples(40))
hypothesis.settings.load_profile("control")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test depend on what the developer has set, nor leave anything set for the next one."""
    ours = [name for name in os.environ if name.startswith("CPG1_") and not name.startswith("CPG1_TESTS_")]
    for name in {*ours, "DB_CONNECTION_STRING", "CUTOFF_DATE", "DAGSTER_HOME", "CPG1_HOME"}:
        # Set first, so that what the product itself sets is taken back as well.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def catalog_read_once() -> Iterator[None]:
    """Read the queries and contracts once for all closes: nobody changes them while tests run."""
    once = functools.cache(read_catalog)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpg1_assets.deployment, "read_catalog", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def faults_planted_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Plant the faults of one seed, month, scope and rule files once: most tests close one month of the same books."""
    base = tmp_path_factory.getbasetemp()
    # What one worker has planted, the others need not.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "planted"
    folder.mkdir(exist_ok=True)

    def once(seed: str, circumstances: Circumstances, accounts: Collection[str]) -> pa.Table:
        asked = repr((seed, circumstances, sorted(accounts))).encode()
        kept = folder / f"{hashlib.sha256(asked).hexdigest()}.arrow"
        if not kept.exists():
            planted = control_effectiveness(seed, circumstances, accounts)
            beside = kept.with_suffix(f".{os.getpid()}")
            feather.write_feather(planted, str(beside), compression="uncompressed")
            beside.rename(kept)
        return feather.read_table(str(kept))

    with pytest.MonkeyPatch.context() as patch:
        for module in (cpg1_assets.graph.control_effectiveness, cpg1_assets.evidence.audit.reperform):
            patch.setattr(module, "control_effectiveness", once)
        yield


@pytest.fixture(scope="session")
def sample_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the default sample books once; nobody writes in them."""
    folder = tmp_path_factory.mktemp("books") / "sample_books"
    make_sample_books(folder)
    return folder


def home_with(books: Path, home: Path) -> Path:
    """Make a home that has the books, without a copy of them."""
    home.mkdir(parents=True)
    (home / "sample_books").symlink_to(books, target_is_directory=True)
    return home


@pytest.fixture
def home(tmp_path: Path, sample_books: Path) -> Path:
    """Give a home of the test's own, with the sample books in it."""
    return home_with(sample_books, tmp_path / "home")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Give a Dagster instance of the test's own, in memory."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory, sample_books: Path) -> Iterator[Closed]:
    """Close an ordinary month once, for tests that only look at what came of it."""
    home = home_with(sample_books, tmp_path_factory.mktemp("closed") / "home")
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield close(Settings(home=home), ORDINARY_MONTH, ephemeral, deliverables=True)


@pytest.fixture
def sealed_home(closed: Closed, tmp_path: Path) -> Path:
    """Give a home of the test's own in which the ordinary month was closed and sealed: a copy, to go on from."""
    return Path(shutil.copytree(closed.settings.home, tmp_path / "home", symlinks=True))


@pytest.fixture(scope="session")
def narrowed(tmp_path_factory: pytest.TempPathFactory, sample_books: Path) -> Iterator[Closed]:
    """Close the ordinary month once for one company, for tests that only look at what came of it."""
    home = home_with(sample_books, tmp_path_factory.mktemp("narrowed") / "home")
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield close(Settings(home=home, companies=("EC_NG",)), ORDINARY_MONTH, ephemeral)
