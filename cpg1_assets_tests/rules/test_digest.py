"""An edit makes those frames stale that use what was edited, and no other."""

from collections.abc import Iterator

import pytest

from cpg1_assets import loaded
from cpg1_assets.rules import frames, vocabulary
from cpg1_assets.rules.digest import modules_used, rule_digest, words_used
from cpg1_assets.rules.frames import DERIVED_FRAMES

NAMES = [spec.name for spec in DERIVED_FRAMES]


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    modules_used.cache_clear()
    yield
    modules_used.cache_clear()


def digests() -> dict[str, str]:
    modules_used.cache_clear()
    return {spec.name: rule_digest(spec.name, {}, spec) for spec in DERIVED_FRAMES}


def stale_after(edit: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    before = digests()
    monkeypatch.setattr(loaded, "TEXTS", {**loaded.TEXTS, **edit})
    return {name for name, now in digests().items() if now != before[name]}


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_of_a_rule_makes_its_own_frame_stale(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"rules/{name}.py"
    stale = stale_after({path: loaded.TEXTS[path] + b"# edited"}, monkeypatch)
    assert name in stale
    assert "gl_roll_forward" not in stale - {name}


@pytest.mark.parametrize("path", ["rules/engine.py", "frame.py", "storage/parquet.py"])
def test_what_all_frames_are_computed_and_written_with_makes_all_stale(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stale_after({path: b"# edited"}, monkeypatch) == set(NAMES)


@pytest.mark.parametrize(
    ("word", "users"),
    [
        (
            "is_non_marketing",
            {
                "timing_difference_bridge",
                "target_values",
                "voucher_accrual_variance",
                "open_item_matches",
                "open_items",
            },
        ),
        ("in_usd", {"vtc_adjustment", "reconciliation", "voucher_accrual_variance", "open_items"}),
        # Used by `text_key`, which all use but what compares no text.
        ("compared", set(NAMES)),
    ],
)
def test_an_edit_of_a_word_makes_those_stale_that_use_it(
    word: str, users: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests()
    (old,) = [macro for macro in vocabulary.MACROS if f"MACRO {word}(" in macro]
    edited = tuple(old + " -- edited" if macro is old else macro for macro in vocabulary.MACROS)
    monkeypatch.setattr(vocabulary, "MACROS", edited)
    assert {name for name, now in digests().items() if now != before[name]} == users


def test_an_edit_of_a_frame_makes_that_frame_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests()
    spec = frames.GL_ROLL_FORWARD
    edited = spec.model_copy(update={"key": ("group_coa_account_no",)})
    monkeypatch.setattr(frames, "GL_ROLL_FORWARD", edited)
    assert rule_digest("gl_roll_forward", {}, edited) != before["gl_roll_forward"]
    assert rule_digest("target_values", {}, frames.TARGET_VALUES) == before["target_values"]


def test_a_rule_file_that_is_followed_is_part_of_it() -> None:
    assert rule_digest("target_values", {"lines.yaml": b"1"}) != rule_digest(
        "target_values", {"lines.yaml": b"2"}
    )


def test_words_are_followed_to_the_words_they_use() -> None:
    assert set(words_used(["voucher_key(x)"])) >= {"voucher_key", "compared"}
    assert words_used(["nothing of ours (x)"]) == {}


def test_modules_are_followed_and_the_shared_ones_are_not_among_them() -> None:
    used = modules_used("reconciliation")
    assert {"reconciliation", "bridges", "lines", "thresholds"} <= set(used)
    assert not {"engine", "vocabulary", "frames"} & set(used)
