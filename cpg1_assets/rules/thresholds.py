"""Thresholds as data: what a thresholds file may say, and which of its rules applies where.

Holding variances against them is done by the rules that have variances.
"""

from decimal import Decimal
from itertools import combinations, product
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from cpg1_assets.rules.case_folding import folded
from cpg1_assets.rules.frames import BRIDGE_CATEGORIES, VOUCHER_TYPES
from cpg1_assets.rules.lines import Account, Lines

ThresholdType = Literal["bucket", "line item", "country materiality"]

DEFAULT = "default"
VOUCHER_ACCOUNT = "18412"
_TYPES: tuple[ThresholdType, ...] = ("bucket", "line item", "country materiality")
_USD = pa.decimal128(24, 4)


class ThresholdRule(BaseModel):
    """One threshold in USD, for a country or the default, narrowed by whatever else it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Annotated[str, StringConstraints(pattern=r"^ *(?i:default|[a-z]{2}) *$")]
    type: ThresholdType
    usd: Decimal = Field(ge=0, max_digits=24, decimal_places=4)
    account: Account | None = None
    category: Literal["Issuance", "Usage", "Cancellation", "Expired", "VTC"] | None = None
    voucher_type: Literal["Refund", "Apology", "JForce", "Store Credit"] | None = None

    @field_validator("country")
    @classmethod
    def _country_is_written_one_way(cls, country: str) -> str:
        key = _key(country)
        return DEFAULT if key == _key(DEFAULT) else key

    @property
    def scope(self) -> tuple[str | None, str | None, str | None]:
        """Account, category and voucher type; None where the rule names none."""
        return (self.account, self.category, self.voucher_type)

    @property
    def specificity(self) -> tuple[bool, int]:
        """How specific the rule is: a country before the default, then how much it names."""
        return (self.country != DEFAULT, sum(named is not None for named in self.scope))

    @property
    def name(self) -> str:
        """The rule as written beside results: country/type/account/category/voucher_type, * where unnamed."""
        return "/".join([self.country, self.type, *(named or "*" for named in self.scope)])

    def applies(self, country: str | None, scope: tuple[str | None, str | None, str | None]) -> bool:
        """Whether the rule matches a context; what it names, the context must have."""
        own_country = self.country == DEFAULT or (country is not None and self.country == _key(country))
        return own_country and all(
            named is None or named == found for named, found in zip(self.scope, scope, strict=True)
        )


class Thresholds(BaseModel):
    """All thresholds of a file, with the version that goes with every result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(min_length=1)
    rules: tuple[ThresholdRule, ...]

    @model_validator(mode="after")
    def _one_rule_always_wins(self) -> "Thresholds":
        for one, other in combinations(self.rules, 2):
            if (one.country, one.type, one.specificity) != (other.country, other.type, other.specificity):
                continue
            # Equally specific rules are told apart only by something that both name, differently.
            both_named = [pair for pair in zip(one.scope, other.scope, strict=True) if None not in pair]
            if all(first == second for first, second in both_named):
                raise ValueError(f"{one.name} and {other.name} could both win: name more in one of them")
        for kind in _TYPES:
            if not any(rule.type == kind and rule.specificity == (False, 0) for rule in self.rules):
                raise ValueError(f"there is no {DEFAULT}/{kind} that names nothing else, to fall back on")
        return self

    def threshold(
        self,
        country: str | None,
        type: ThresholdType,  # noqa: A002 - the word the file uses
        account: str | None = None,
        category: str | None = None,
        voucher_type: str | None = None,
    ) -> tuple[Decimal, str]:
        """Give the threshold in USD and the name of its rule: the most specific rule that applies.

        A country's own rule comes before the default, then the one naming more of account, category and
        voucher type; a rule that names something does not match where that is None. Countries compare
        ignoring case and surrounding blanks.

        Source of the rule: Reconciliation, "Thresholds".
        """
        winner = max(
            (
                rule
                for rule in self.rules
                if rule.type == type and rule.applies(country, (account, category, voucher_type))
            ),
            key=lambda rule: rule.specificity,
        )
        return winner.usd, winner.name

    def line_threshold(
        self, country: str | None, accounts: tuple[str, ...], kind: ThresholdType = "bucket"
    ) -> tuple[Decimal, str]:
        """Give the threshold of a line: of its accounts', the lowest (the first of equals)."""
        return min(
            (self.threshold(country, kind, account) for account in accounts), key=lambda found: found[0]
        )

    def lines_table(self, lines: Lines) -> pa.Table:
        """Give the threshold of every line: country_key, line, threshold_usd, threshold_rule.

        `country_key` is null in the rows that are for all countries without rules of their own.
        """
        return _table(
            ["country_key", "line"],
            [
                ((country, line.line), self.line_threshold(country, line.accounts))
                for country, line in product(self._countries(), lines.lines)
            ],
        )

    def line_items_table(self, lines: Lines) -> pa.Table:
        """Give the line-item threshold of every bridge: country_key, bridge, threshold_usd, threshold_rule.

        `country_key` is as in `lines_table`. A bridge of several lines is held against the lowest of their accounts'.
        """
        accounts: dict[str, tuple[str, ...]] = {}
        for line in lines.lines:
            for bridge in line.bridges:
                accounts[bridge.bridge] = (*accounts.get(bridge.bridge, ()), *line.accounts)
        return _table(
            ["country_key", "bridge"],
            [
                ((country, bridge), self.line_threshold(country, of_bridge, "line item"))
                for country, (bridge, of_bridge) in product(self._countries(), accounts.items())
            ],
        )

    def voucher_buckets_table(self) -> pa.Table:
        """Give the threshold of every voucher bucket.

        Columns: country_key, bridge_category, voucher_type, threshold_usd, threshold_rule.
        `country_key` is as in `lines_table`; category and voucher type may be null.
        """
        buckets = product(self._countries(), (None, *BRIDGE_CATEGORIES), (None, *VOUCHER_TYPES))
        return _table(
            ["country_key", "bridge_category", "voucher_type"],
            [
                (bucket, self.threshold(bucket[0], "bucket", VOUCHER_ACCOUNT, bucket[1], bucket[2]))
                for bucket in buckets
            ],
        )

    def countries_table(self) -> pa.Table:
        """Give the materiality of every country: country_key, threshold_usd, threshold_rule."""
        return _table(
            ["country_key"],
            [((country,), self.threshold(country, "country materiality")) for country in self._countries()],
        )

    def _countries(self) -> list[str | None]:
        """Give the countries with rules of their own, and None for all others."""
        return [None, *sorted({rule.country for rule in self.rules} - {DEFAULT})]


def _key(country: str) -> str:
    return folded(country).strip(" ")


def _table(names: list[str], rows: list[tuple[tuple[str | None, ...], tuple[Decimal, str]]]) -> pa.Table:
    return pa.table(
        {
            **{name: pa.array([of[at] for of, _ in rows], pa.string()) for at, name in enumerate(names)},
            "threshold_usd": pa.array([usd for _, (usd, _rule) in rows], _USD),
            "threshold_rule": pa.array([rule for _, (_usd, rule) in rows], pa.string()),
        }
    )
