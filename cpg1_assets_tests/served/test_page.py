"""The page beside the UI shows reports and evidence to this machine, nothing outside them, and no rows of people.

A real server answers raw requests; what is asked for is harmless, and each guard is asked for what it is there for.
"""

import http.client
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from cpg1_assets.cli.commands import main
from cpg1_assets.errors import SettingsError
from cpg1_assets.served.__main__ import serve
from cpg1_assets.settings import Settings
from cpg1_assets_tests.served.serving import serving

MONTH = "2025-09"
PACKAGE = f"evidence/{MONTH}/ipe_07/run-1"
SECRET = "outside of what is shown"  # noqa: S105 - a word to look for


@dataclass(frozen=True)
class Page:
    """The served page: its port, and the home it shows."""

    port: int
    home: Path

    def ask(self, path: str, method: str = "GET", host: str | None = None) -> "Answer":
        """Ask for a path as it is written, which no library tidies."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(
                answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
            )
        finally:
            connection.close()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    place = tmp_path_factory.mktemp("served")
    home = place / "home"
    written = {
        f"home/{PACKAGE}/06_validation_results.json": '{"passed": true}',
        f"home/{PACKAGE}/01_executed_query.sql": "SELECT 1",
        f"home/{PACKAGE}/03_data_snapshot.csv": "customer_name\nAnn",
        f"home/{PACKAGE}/files/EC_NG.json": "as it was sent",
        f"home/evidence/{MONTH}/seals/001/data/ipe_07.json": "rows",
        f"home/reports/{MONTH}/control_report.html": "<script>document.title = 'it ran'</script>Report",
        f"home/reports/{MONTH}/control_workbook.xlsx": "PK",
        f"home/reports/{MONTH}/<img src=x onerror=alert(1)>.html": "an awkward name",
        f"home/reports/{MONTH}/.hidden.html": "hidden",
        "home/books": "SAMPLE BOOKS\n",
        "secret.json": SECRET,
        "home/secret.json": SECRET,
        "elsewhere/secret.json": SECRET,
    }
    for name, text in written.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (home / PACKAGE / "linked.json").symlink_to(place / "secret.json")
    (home / "evidence" / MONTH / "linked").symlink_to(place / "elsewhere")
    os.mkfifo(home / PACKAGE / "pipe.json")
    with serving(Settings(home=home)) as port:
        yield Page(port, home)


def test_the_months_lead_to_their_reports_and_evidence(page: Page) -> None:
    assert f'href="/{MONTH}/"' in page.ask("/").text
    of_month = page.ask(f"/{MONTH}/").text
    assert f'href="/reports/{MONTH}/control_report.html"' in of_month
    assert f'href="/evidence/{MONTH}/ipe_07/"' in of_month
    assert "SAMPLE BOOKS" in of_month
    assert page.ask("/2025-08/").status == 404


def test_a_document_of_the_evidence_is_shown_as_plain_text(page: Page) -> None:
    answer = page.ask(f"/{PACKAGE}/06_validation_results.json")
    assert (answer.status, answer.text) == (200, '{"passed": true}')
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("inline")
    assert page.ask(f"/{PACKAGE}/01_executed_query.sql").text == "SELECT 1"


def test_a_workbook_is_handed_over_and_not_opened_in_the_browser(page: Page) -> None:
    answer = page.ask(f"/reports/{MONTH}/control_workbook.xlsx")
    assert answer.status == 200
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "path",
    [
        f"/{PACKAGE}/03_data_snapshot.csv",
        f"/{PACKAGE}/files/EC_NG.json",
        f"/evidence/{MONTH}/seals/001/data/ipe_07.json",
        f"/reports/{MONTH}/.hidden.html",
    ],
)
def test_rows_of_people_are_not_shown(page: Page, path: str) -> None:
    assert page.ask(path).status == 404


def test_what_is_not_shown_is_named_and_says_where_it_is(page: Page) -> None:
    listed = page.ask(f"/{PACKAGE}/").text
    assert "03_data_snapshot.csv (rows: open it in the folder itself)" in listed
    assert f'href="/{PACKAGE}/03_data_snapshot.csv"' not in listed


@pytest.mark.parametrize(
    "path",
    [
        "/evidence/../secret.json",
        "/evidence/../../secret.json",
        "/evidence/%2e%2e/secret.json",
        "/evidence/%2e%2e%2fsecret.json",
        "/evidence/..%2f..%2fsecret.json",
        "/evidence/%252e%252e/secret.json",
        "/evidence/..\\..\\secret.json",
        "/evidence//secret.json",
        "/evidence/./secret.json",
        "/evidence/secret.json%00.json",
        "/secret.json",
        "//secret.json",
        "/home/secret.json",
        "/books",
        f"/{PACKAGE}/linked.json",
        f"/evidence/{MONTH}/linked/secret.json",
        f"/evidence/{MONTH}/linked/",
        f"/{PACKAGE}/06_validation_results.json/",
        f"/{PACKAGE}/pipe.json",
        f"/{PACKAGE}",
    ],
)
def test_nothing_outside_is_reached_by_a_path_or_a_link_and_nothing_hangs(page: Page, path: str) -> None:
    answer = page.ask(path)
    assert answer.status in {307, 404}
    assert SECRET not in answer.text


def test_links_are_not_listed(page: Page) -> None:
    assert "linked" not in page.ask(f"/{PACKAGE}/").text
    assert "linked" not in page.ask(f"/{MONTH}/").text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_is_for_looking_only(page: Page, method: str) -> None:
    assert page.ask("/", method).status == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}"]
)
def test_another_name_for_this_address_is_refused(page: Page, host: str) -> None:
    answer = page.ask(f"/{MONTH}/", host=host.format(port=page.port))
    assert answer.status == 421
    assert "ipe_07" not in answer.text
    assert page.ask("/", host=f"localhost:{page.port}").status == 200


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/", None),
        (f"/reports/{MONTH}/control_report.html", None),
        ("/nothing.json", None),
        ("/", "evil.example"),
    ],
)
def test_every_answer_tells_the_browser_to_run_nothing_and_guess_nothing(
    page: Page, path: str, host: str | None
) -> None:
    headers = page.ask(path, host=host).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["content-security-policy"].endswith("sandbox")
    assert "script-src" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def test_a_name_is_shown_as_text_whatever_it_says(page: Page) -> None:
    listed = page.ask(f"/{MONTH}/").text
    assert "&lt;img src=x onerror=alert(1)&gt;.html" in listed
    assert "<img" not in listed


@pytest.mark.parametrize("given", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused_by_name(given: str) -> None:
    with pytest.raises(SettingsError, match="CPG1_PAGE_PORT"):
        Settings.from_environment({"CPG1_PAGE_PORT": given})


def test_the_page_can_be_switched_off() -> None:
    assert Settings.from_environment({"CPG1_PAGE_PORT": "off"}).page_address is None
    assert Settings.from_environment({}).page_address == "http://127.0.0.1:3001"


def test_a_port_that_is_taken_is_named_with_what_to_do(page: Page) -> None:
    with pytest.raises(SettingsError, match=f"port {page.port} .*CPG1_PAGE_PORT"):
        serve(Settings(home=page.home, page_port=page.port), os.getppid())


@pytest.mark.parametrize("arguments", [["-p", "3001"], ["--port", "3001"], ["--port=3001"]])
def test_the_ui_is_not_started_on_the_port_of_the_page(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPG1_HOME", str(tmp_path / "home"))
    refused = CliRunner().invoke(main, ["ui", *arguments])
    assert refused.exit_code != 0
    assert "CPG1_PAGE_PORT" in refused.output
