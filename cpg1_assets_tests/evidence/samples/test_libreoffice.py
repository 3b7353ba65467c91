"""A workpaper that LibreOffice saved, in another format and back, still is what was handed out."""

import subprocess
from pathlib import Path

from cpg1_assets.evidence.samples.returned import changed, read_workpaper
from cpg1_assets_tests.evidence.samples.handed_out import handed_out, sealed_month
from cpg1_assets_tests.required import LIBREOFFICE, libreoffice, require


def test_a_workpaper_saved_by_libreoffice_is_as_it_was_handed_out(tmp_path: Path) -> None:
    require(LIBREOFFICE)
    out = tmp_path / "s.xlsx"
    sample = handed_out(sealed_month(tmp_path / "evidence"), out)
    for name, to in ((out, "ods"), (tmp_path / "saved" / "s.ods", "xlsx")):
        subprocess.run(
            [str(libreoffice()), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
             "--convert-to", to, "--outdir", str(tmp_path / "saved"), str(name)],
            capture_output=True, check=True, timeout=120,
        )  # fmt: skip
    assert [*changed(read_workpaper(tmp_path / "saved" / "s.xlsx"), sample)] == []
