"""The calendar file can be read and changed by a controller; a slip in it is answered with file and line."""

import hashlib
from pathlib import Path

import pytest

from cpg1_assets.close_calendar.calendar_file import read_calendar_file
from cpg1_assets.errors import FileFormatError
from cpg1_assets.settings import Settings
from cpg1_assets_tests.close_calendar.calendars import BOOKS

OWN = Settings(home=Path()).calendar_file
GOOD = """\
version: "7"
weekends:
  - {company: JM_EG, days: [saturday, sunday]}
days:
  - {country: eg, date: 2026-03-19, is: holiday, name: Eid al-Fitr, source: Cabinet}
  - {company: ec_ke, date: 2026-04-04, is: working day, source: payroll}
"""


def read(tmp_path: Path, text: str, *, companies: bool = True) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(text)
    read_calendar_file(path, BOOKS if companies else None)


def test_the_packages_own_file_overrules_nothing() -> None:
    found = read_calendar_file(OWN, BOOKS)
    assert (found.overrides.version, found.overrides.days, found.overrides.weekends) == ("1", (), ())
    assert found.sha256 == hashlib.sha256(OWN.read_bytes()).hexdigest()


def test_the_examples_in_its_head_are_as_it_says(tmp_path: Path) -> None:
    lines = [line[1:].strip() for line in OWN.read_text().splitlines() if line.startswith("#  ")]
    examples = [line for line in lines if line.startswith("- {")]
    assert len(examples) == 4
    weekends, days = examples[:1], examples[1:]
    text = ["version: x", "weekends:", *(f"  {line}" for line in weekends), "days:"]
    read(tmp_path, "\n".join([*text, *(f"  {line}" for line in days)]))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("country: eg", "country: xx", 5, "unknown country 'xx'"),
        ("country: eg", "country: Egypt", 5, "unknown country 'Egypt'"),
        ("company: ec_ke", "company: EC_KEN", 6, "unknown company 'EC_KEN': those in scope are EC_IC, EC_KE"),
        ("company: JM_EG", "company: JM_EGY", 3, "unknown company 'JM_EGY'"),
        ("2026-03-19", "2026-02-30", 5, "2026-02-30 is no date"),
        ("2026-03-19", "'2026-03-19'", 5, "'2026-03-19' is no date: write it without quotation marks"),
        ("2026-03-19", "20260319", 5, "'20260319' is no date"),
        ("2026-03-19", "2026-03-19 10:00:00", 5, "is no date"),
        ("2026-03-19", "2023-12-31", 5, "decides no due date"),
        ("2026-03-19", "2077-01-01", 5, "decides no due date"),
        ("is: working day", "is: half a day", 6, "'holiday' or 'working day'"),
        ("name: Eid al-Fitr, ", "", 5, "give a holiday its name"),
        ("is: working day", "is: working day, name: x", 6, "a working day none"),
        ("company: ec_ke, ", "", 6, "name a country or a company"),
        ("company: ec_ke", "company: EC_KE, country: KE", 6, "and not both"),
        (", source: payroll", "", 6, "Field required"),
        ("[saturday, sunday]", "[]", 3, "at least 1"),
        ("[saturday, sunday]", "[samedi]", 3, "'monday'"),
        ("[saturday, sunday]", "[monday, tuesday, friday, saturday]", 3, "at most 3"),
        ("country: eg, date: 2026-03-19", "company: EC_KE, date: 2026-04-04", 4, "EC_KE 2026-04-04 appears twice"),
        ('version: "7"', "versions: 7", 1, "version"),
    ],
)  # fmt: skip
def test_a_slip_is_named_by_file_and_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    read(tmp_path, GOOD)
    assert old in GOOD
    with pytest.raises(FileFormatError) as refused:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert f"calendar.yaml, line {line}: " in str(refused.value)
    assert said in str(refused.value)


def test_a_narrowed_scope_asks_nothing_of_companies_it_does_not_know(tmp_path: Path) -> None:
    read(tmp_path, GOOD.replace("company: ec_ke", "company: EC_KEN"), companies=False)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"nowhere\.yaml: cannot be read"):
        read_calendar_file(tmp_path / "nowhere.yaml", None)
