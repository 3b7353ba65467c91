"""What the tests of the deliverables share: the workbook of the month that was closed once."""

import openpyxl
import pytest

from cpg1_assets.deliverables.closed_month import closed_month
from cpg1_assets.deliverables.files import WORKBOOK, place_of
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.deliverables.opened import Opened


@pytest.fixture(scope="session")
def opened(closed: Closed) -> Opened:
    """Open the workbook that the close made."""
    home, month = Home(closed.settings), CutoffMonth.parse(closed.month)
    path = place_of(WORKBOOK, home.reports_folder, month)
    return Opened(
        closed_month(home.evidence_folder, month),
        path,
        openpyxl.load_workbook(path, data_only=True),
        openpyxl.load_workbook(path),
    )
