"""A timestamp proves that the chain existed up to a link at a time, to whoever trusts the authority; nothing else does."""

import base64
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.export import export_month, opened_evidence
from cpg1_assets.evidence.audit.verify import VerifyReport, verify
from cpg1_assets.evidence.chain.links import TIMESTAMP, anchor_of, read_chain
from cpg1_assets.evidence.chain.sign_off import signed_off_by
from cpg1_assets.evidence.chain.timestamp import add_timestamp, read_sent, timestamp_query
from cpg1_assets.evidence.chain.timestamp_token import (
    LARGEST_REPLY,
    make_query,
    read_authorities,
    read_query,
    read_reply,
    unproven,
)
from cpg1_assets_tests.evidence.attacks import rewrite, rewrite_from
from cpg1_assets_tests.evidence.chain.signing import prepare, review
from cpg1_assets_tests.evidence.small_year import link_of, small_month
from cpg1_assets_tests.evidence.timestamps.authority import CODE_SIGNING, TIME_STAMPING, Authority, Certified
from cpg1_assets_tests.required import OPENSSL, TIMESTAMPS, require

MONTH = "2025-09"
PAGE = Path(__file__).parents[3] / "docs" / "for-auditors.md"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    require(OPENSSL, TIMESTAMPS)
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give an authority that nobody here trusts."""
    require(OPENSSL, TIMESTAMPS)
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Path:
    """Seal a month, have the head stamped, and seal another one. Nobody writes in it."""
    evidence = tmp_path_factory.mktemp("stamped") / "evidence"
    small_month(evidence, MONTH)
    query, _ = timestamp_query(evidence)
    add_timestamp(evidence, authority.reply(query), query)
    small_month(evidence, "2025-10")
    return evidence


@pytest.fixture
def evidence(stamped: Path, tmp_path: Path) -> Path:
    """Give a copy to tamper with."""
    return Path(shutil.copytree(stamped, tmp_path / "copy" / "evidence"))


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """Seal a month whose head was not stamped yet."""
    small_month(tmp_path / "evidence", MONTH)
    return tmp_path / "evidence"


def trusted(authority: Authority) -> list[Any]:
    return [authority.root.certificate]


def kinds(report: VerifyReport) -> set[tuple[str, str]]:
    return {(problem.kind, problem.path) for problem in report.problems}


def said(report: VerifyReport) -> str:
    return " ".join(problem.message for problem in report.problems)


# What holds


def test_it_is_proven_to_whoever_trusts_the_authority_and_to_nobody_else(
    stamped: Path, authority: Authority
) -> None:
    report = verify(stamped, authorities=trusted(authority))
    assert report.problems == []
    (stamp,) = report.stamps
    assert (stamp.link, stamp.authority, stamp.held_by) == (1, "CN=signer", "chain/000002.json")
    assert f"Up to link 1 it existed at {stamp.time}, says CN=signer." in report.conclusion
    assert report.conclusion.startswith("Consistent with itself: the head")

    without = verify(stamped)
    assert (without.problems, without.stamps) == ([], ())
    assert any("whose they are was not checked, so no time is proven" in note for note in without.notes)
    assert "existed" not in without.conclusion


def test_an_anchor_and_a_timestamp_say_both(stamped: Path, authority: Authority) -> None:
    report = verify(stamped, anchor=anchor_of(read_chain(stamped)[-1]), authorities=trusted(authority))
    assert report.conclusion.startswith("As it was sealed.")
    assert "Up to link 1 it existed at" in report.conclusion


def test_a_chain_without_any_says_that_no_time_is_proven(sealed: Path, authority: Authority) -> None:
    report = verify(sealed, authorities=trusted(authority))
    assert (report.problems, report.stamps) == ([], ())
    assert "The chain has no timestamp: no time is proven." in report.notes


def test_openssl_accepts_what_is_stored_by_the_commands_of_the_page(
    stamped: Path, authority: Authority, tmp_path: Path
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    script = page.partition("<!-- timestamp by openssl -->\n```sh\n")[2].partition("```")[0]
    assert "openssl ts -verify" in script
    shutil.copytree(stamped, tmp_path / "evidence")
    shutil.copy(authority.root.path, tmp_path / "CA.pem")
    script = script.replace("000042", "000002")
    ours = shutil.which("jq")
    if ours is None:  # what jq does here is little
        (tmp_path / "jq").write_text(
            f"#!{sys.executable}\nimport json, sys\nfound = json.load(open(sys.argv[3]))\n"
            "for part in sys.argv[2].strip('.').split('.'):\n    found = found[part]\nprint(found)\n"
        )
        (tmp_path / "jq").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", "-ec", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Verification: OK" in done.stdout
    lines = done.stdout.split()
    digest = link_of(stamped, 1)["digest"]
    assert digest in lines


def test_the_query_holds_the_digest_of_the_head_and_asks_for_the_certificate(
    sealed: Path, tmp_path: Path
) -> None:
    require(OPENSSL, TIMESTAMPS)
    query, link = timestamp_query(sealed)
    assert read_query(query).digest == link.digest
    other, _ = timestamp_query(sealed)
    assert read_query(other).nonce != read_query(query).nonce
    (tmp_path / "q.tsq").write_bytes(query)
    text = subprocess.run(
        ["openssl", "ts", "-query", "-in", tmp_path / "q.tsq", "-text"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Certificate required: yes" in text
    assert "Hash Algorithm: sha256" in text


def test_each_later_link_covers_the_reply(evidence: Path, authority: Authority, stranger: Authority) -> None:
    """Whoever exchanges the reply writes every later link anew, which an anchor shows; and the reply is a stranger's."""
    anchor = anchor_of(read_chain(evidence)[-1])
    query = base64.b64decode(read_chain(evidence)[1].body["query"])
    other = stranger.reply(query)
    now = {
        "reply": base64.b64encode(other).decode(),
        "time": read_reply(other).time.isoformat(timespec="seconds"),
    }
    rewrite(evidence, 2, lambda link: link["body"].update(now))
    assert ("reordered", "chain/000003.json") in kinds(verify(evidence))
    rewrite_from(evidence, 2)
    assert kinds(verify(evidence, anchor=anchor)) == {("anchor", "chain/000003.json")}
    report = verify(evidence, authorities=trusted(authority))
    assert kinds(report) == {("timestamp", "chain/000002.json")}
    assert "does not lead to one of the authorities" in said(report)


def test_a_chain_that_was_written_anew_has_no_timestamp_that_fits(
    evidence: Path, authority: Authority
) -> None:
    rewrite(evidence, 1, lambda link: link.update(made_by="somebody else"))
    rewrite_from(evidence, 1)
    for given in (None, trusted(authority)):
        assert ("timestamp", "chain/000002.json") in kinds(verify(evidence, authorities=given))


def test_a_timestamp_is_of_no_month_and_neither_opens_nor_closes_one(
    sealed: Path, authority: Authority
) -> None:
    prepare(sealed, MONTH)
    review(sealed, MONTH)
    query, _ = timestamp_query(sealed)
    add_timestamp(sealed, authority.reply(query), query)
    assert signed_off_by(sealed, MONTH) is not None
    assert verify(sealed, MONTH).problems == []
    assert verify(sealed).months == {MONTH: 1}


def test_an_export_carries_it(stamped: Path, authority: Authority, tmp_path: Path) -> None:
    export_month(stamped, MONTH, tmp_path / "export.zip")
    with opened_evidence(tmp_path / "export.zip") as opened:
        assert len(verify(opened.folder, authorities=trusted(authority)).stamps) == 1


def test_the_link_stamped_need_not_be_the_head_any_more(sealed: Path, authority: Authority) -> None:
    query, link = timestamp_query(sealed)
    small_month(sealed, "2025-10")
    assert add_timestamp(sealed, authority.reply(query), query, trusted(authority)).body["link"] == link.index


def test_certificates_between_the_authority_and_the_signer_go_with_the_reply(authority: Authority) -> None:
    between = authority.certify("between", authority.root, is_authority=True)
    signer = authority.certify("of between", between)
    query = make_query(b"x")
    # In either order: OpenSSL writes them as they are given.
    for chain in ([between, authority.root], [authority.root, between]):
        assert unproven(read_reply(authority.reply(query, signer, chain=chain)), trusted(authority)) == ""
    alone = read_reply(authority.reply(query, signer))
    assert "does not lead to one of the authorities" in unproven(alone, trusted(authority))


def test_a_certificate_that_expired_since_proves_what_it_signed_before(
    sealed: Path, authority: Authority, tmp_path: Path
) -> None:
    short = authority.certify("short", authority.root, valid=(timedelta(hours=-1), timedelta(seconds=1)))
    query, link = timestamp_query(sealed)
    held = add_timestamp(sealed, authority.reply(query, short), query)
    time.sleep(max(0, short.certificate.not_valid_after_utc.timestamp() + 1.1 - time.time()))
    report = verify(sealed, authorities=trusted(authority))
    assert report.problems == []
    assert len(report.stamps) == 1
    # As the page says, OpenSSL has to be told the time.
    (tmp_path / "r.tsr").write_bytes(base64.b64decode(held.body["reply"]))
    reply, root = str(tmp_path / "r.tsr"), str(authority.root.path)
    command = ["openssl", "ts", "-verify", "-digest", link.digest, "-in", reply, "-CAfile", root]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    then = str(int(datetime.fromisoformat(held.body["time"]).timestamp()))
    assert subprocess.run([*command, "-attime", then], capture_output=True, check=False).returncode == 0


# What does not hold


@pytest.mark.parametrize(
    ("certified", "why"),
    [
        (lambda a: a.certify("no usage", a.root, usages=()), "is not one for timestamps"),
        (lambda a: a.certify("code", a.root, usages=(CODE_SIGNING,)), "is not one for timestamps"),
        (
            lambda a: a.certify("both", a.root, usages=(TIME_STAMPING, CODE_SIGNING)),
            "is not one for timestamps",
        ),
        (lambda a: a.certify("not critical", a.root, critical=False), "is not one for timestamps"),
        (
            lambda a: a.certify("past", a.root, valid=(timedelta(days=-2), timedelta(days=-1))),
            "was not valid at",
        ),
        (
            lambda a: a.certify("to come", a.root, valid=(timedelta(days=1), timedelta(days=2))),
            "was not valid at",
        ),
        (lambda a: a.certify("itself"), "does not lead to one of the authorities"),
    ],
)
def test_a_certificate_that_is_none_for_it_proves_nothing(
    sealed: Path, authority: Authority, certified: Callable[[Authority], Certified], why: str
) -> None:
    query, _ = timestamp_query(sealed)
    reply = authority.signed_by(authority.reply(query), certified(authority))
    with pytest.raises(EvidenceError, match=why):
        add_timestamp(sealed, reply, query, trusted(authority))
    assert len(read_chain(sealed)) == 1
    add_timestamp(sealed, reply, query)  # taken without the authority's certificates, verify finds it
    report = verify(sealed, authorities=trusted(authority))
    assert why in said(report)
    assert report.stamps == ()


def test_a_reply_that_is_signed_by_another_key_than_its_certificates_is_named(authority: Authority) -> None:
    reply = authority.reply(make_query(b"x"))
    changed = reply[:-1] + bytes([reply[-1] ^ 1])
    assert "is not signed by CN=signer" in unproven(read_reply(changed), trusted(authority))


def test_the_reply_to_another_query_is_refused(sealed: Path, authority: Authority, tmp_path: Path) -> None:
    query, _ = timestamp_query(sealed)
    again, _ = timestamp_query(sealed)
    with pytest.raises(EvidenceError, match="has not the nonce of the query"):
        add_timestamp(sealed, authority.reply(again), query)
    other = make_query(b"something else")
    with pytest.raises(EvidenceError, match="of another digest than the query asked for"):
        add_timestamp(sealed, authority.reply(other), query)
    with pytest.raises(EvidenceError, match="which no link of the chain has"):
        add_timestamp(sealed, authority.reply(other), other)
    small_month(tmp_path / "other" / "evidence", MONTH, amount=2)
    with pytest.raises(EvidenceError, match="which no link of the chain has"):
        add_timestamp(tmp_path / "other" / "evidence", authority.reply(query), query)
    assert len(read_chain(sealed)) == 1


def test_a_refusal_says_why(sealed: Path, authority: Authority) -> None:
    query, _ = timestamp_query(sealed)
    refusal = authority.reply(query, digests="sha512")
    with pytest.raises(
        EvidenceError, match=r"did not grant it \(status 2: Message digest algorithm is not supported"
    ):
        add_timestamp(sealed, refusal, query)


def test_a_reply_that_was_granted_with_changes_is_not_taken(sealed: Path, authority: Authority) -> None:
    query, _ = timestamp_query(sealed)
    reply = authority.signed_by(authority.reply(query), authority.signer)
    changed = reply.replace(bytes.fromhex("3003020100"), bytes.fromhex("3003020101"), 1)
    with pytest.raises(EvidenceError, match=r"did not grant it \(status 1"):
        add_timestamp(sealed, changed, query)


def test_bytes_after_it_before_its_end_and_too_many_are_refused(sealed: Path, authority: Authority) -> None:
    query, _ = timestamp_query(sealed)
    reply = authority.reply(query)
    for given, why in (
        (reply + b"x", "cut off|bytes after"),
        (reply + bytes.fromhex("0500"), "there are bytes after it"),
        (reply[:-1], "it is cut off"),
        (reply[:40], "it is cut off"),
        (b"", "it is empty"),
        (b"\x30\x84\xff\xff\xff\xff", "it is cut off"),
        (b"\x30\x80" + reply[4:] + b"\0\0", "no DER"),
        (bytes(LARGEST_REPLY + 1), "larger than any"),
    ):
        with pytest.raises(EvidenceError, match=why):
            add_timestamp(sealed, given, query)
    for given in (b"", b"\x30\x00", query[:-1], query + b"\x05\x00", reply):
        with pytest.raises(EvidenceError, match="the query is none that was made of a link"):
            add_timestamp(sealed, reply, given)
    assert len(read_chain(sealed)) == 1


def test_any_byte_of_a_reply_that_is_another_is_read_in_a_sentence_or_proves_what_it_proved(
    authority: Authority,
) -> None:
    """A few bytes of a token are signed by nothing; none of them is what it says. The link covers them all."""
    reply = authority.reply(make_query(b"x"))
    whole = read_reply(reply)
    for at in range(0, len(reply), 7):
        changed = bytes([*reply[:at], reply[at] ^ 1, *reply[at + 1 :]])
        try:
            read = read_reply(changed)
        except ValueError:
            continue
        if not unproven(read, trusted(authority)):
            assert (read.digest, read.nonce, read.time) == (whole.digest, whole.nonce, whole.time)


def test_a_certificate_of_another_version_than_there_is_is_refused_in_a_sentence(
    authority: Authority,
) -> None:
    reply = authority.reply(make_query(b"x"))
    assert reply.count(bytes.fromhex("a003020102")) == 1
    with pytest.raises(ValueError, match=r"it holds no token that can be read \(InvalidVersion"):
        read_reply(reply.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020105")))


def test_a_pipe_and_a_large_file_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.tsr").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(EvidenceError, match="more than"):
        read_sent(tmp_path / "large.tsr", LARGEST_REPLY)
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_sent(tmp_path / "none.tsr", LARGEST_REPLY)


def test_the_same_reply_is_taken_once(sealed: Path, authority: Authority) -> None:
    query, _ = timestamp_query(sealed)
    reply = authority.reply(query)
    add_timestamp(sealed, reply, query)
    with pytest.raises(EvidenceError, match="is in the chain already"):
        add_timestamp(sealed, reply, query)


@pytest.mark.parametrize(
    ("made_at", "why"),
    [
        ("2199-01-01T00:00:00+00:00", "before link 1 was made"),
        ("2001-01-01T00:00:00+00:00", "after it was taken"),
    ],
)
def test_a_time_that_does_not_lie_between_the_links_is_a_problem(
    evidence: Path, made_at: str, why: str
) -> None:
    of = 1 if why.startswith("before") else 2
    if of == 1:
        # The link says it was made after the authority saw it: another digest, so only the time is looked at here.
        (evidence / MONTH).rename(evidence / "gone")
    rewrite(evidence, of, lambda link: link.update(made_at=made_at))
    if of == 2:
        assert why in said(verify(evidence))
        return
    body = read_chain_body(evidence)
    digest = link_of(evidence, 1)["digest"]
    rewrite(evidence, 2, lambda link: link.update(previous=digest, body=body | {"link_digest": digest}))
    assert "of another digest than that of the link it names" in said(verify(evidence))


def read_chain_body(evidence: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((evidence / "chain" / "000002.json").read_text())["body"]
    return body


def test_a_machine_whose_clock_is_ahead_cannot_add_what_seems_to_be_from_before(
    sealed: Path, authority: Authority
) -> None:
    rewrite(sealed, 1, lambda link: link.update(made_at="2199-01-01T00:00:00+00:00"))
    query, _ = timestamp_query(sealed)
    with pytest.raises(EvidenceError, match="before link 1 was made"):
        add_timestamp(sealed, authority.reply(query), query)


FORGED: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda body: body.pop("query"), "does not say what a timestamp says"),
    (lambda body: body.update(month=MONTH), "does not say what a timestamp says"),
    (lambda body: body.update(link="1"), "does not say what a timestamp says"),
    (lambda body: body.update(time="yesterday"), "does not say what a timestamp says"),
    (lambda body: body.update(reply="?"), "does not say what a timestamp says"),
    (lambda body: body.update(reply=body["reply"] + "\n"), "does not say what a timestamp says"),
    (lambda body: body.update(link=2), "a link that the chain does not have before it"),
    (lambda body: body.update(link=9), "a link that the chain does not have before it"),
    (lambda body: body.update(link_digest="ab" * 32), "a link that the chain does not have before it"),
    (lambda body: body.update(time="2025-01-01T00:00:00+00:00"), "another time or authority than its reply"),
    (lambda body: body.update(authority="CN=Bank of Somewhere"), "another time or authority than its reply"),
    (lambda body: body.update(reply=base64.b64encode(b"0").decode()), "What it holds proves nothing"),
    (
        lambda body: body.update(query=base64.b64encode(make_query(b"x")).decode()),
        "What it holds proves nothing",
    ),
]


@pytest.mark.parametrize(("change", "why"), FORGED)
def test_a_link_that_this_software_would_not_have_made_is_a_problem(
    evidence: Path, change: Callable[[dict[str, Any]], object], why: str
) -> None:
    def forge(link: dict[str, Any]) -> None:
        change(link["body"])

    rewrite(evidence, 2, forge)
    rewrite_from(evidence, 2)
    report = verify(evidence)
    assert kinds(report) == {(TIMESTAMP, "chain/000002.json")}
    assert why in said(report)


def test_a_reply_held_twice_is_a_problem(evidence: Path) -> None:
    body = read_chain_body(evidence)
    rewrite(evidence, 3, lambda link: link.update(kind=TIMESTAMP, body=body))
    shutil.rmtree(evidence / "2025-10")
    assert "It holds a reply that a link before it holds" in said(verify(evidence))


# Without the library


def test_without_the_library_nothing_is_claimed(
    stamped: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = trusted(authority)
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    report = verify(stamped)
    assert report.problems == []
    assert any(
        "none was checked. Timestamps need the library rfc3161-client" in note for note in report.notes
    )
    asked = verify(stamped, authorities=trust)
    assert kinds(asked) == {("unchecked", "chain")}
    assert asked.stamps == ()
    with pytest.raises(EvidenceError, match=r"pip install 'cpg1-assets\[timestamps\]'"):
        timestamp_query(stamped)


def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "CA.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for name, why in (("CA.pem", "holds no certificates in PEM"), ("none.pem", "cannot be read")):
        with pytest.raises(EvidenceError, match=why):
            read_authorities(tmp_path / name)
