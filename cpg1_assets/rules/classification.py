"""The classification rules as data: what a rules file may say. Applying them is `ipe_31_classified`."""

from collections import Counter
from typing import Annotated

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from cpg1_assets.rules.frames import IPE_31_COLUMNS

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}([0-9]{2}|XX)$")]

TEXT_COLUMNS = tuple(column.name for column in IPE_31_COLUMNS if column.type == "text")
# Columns of the other inputs that the same rules serve: a rule on one of them does not fire on ipe_31.
OTHER_COLUMNS = ("is_prepayment", "source", "entity")
Enrichment = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class ClassificationRule(BaseModel):
    """One rule: what it fires on, what the item is called then, and the accounts it would be booked on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    title: Text
    when: dict[str, tuple[Text, ...]] = Field(min_length=1)
    dr: tuple[Account, ...] = Field(min_length=1)
    cr: tuple[Account, ...] = Field(min_length=1)
    needs: tuple[Enrichment, ...]
    rank: int = Field(ge=1)

    @field_validator("when")
    @classmethod
    def _columns_are_known(cls, when: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        known = (*TEXT_COLUMNS, *OTHER_COLUMNS)
        for column, values in when.items():
            if column not in known:
                raise ValueError(f"unknown column {column!r}; known are {', '.join(known)}")
            if not values:
                raise ValueError(f"column {column!r} lists no value, so the rule could never fire")
        return when


class Classification(BaseModel):
    """All rules of a file, with the version that goes with every result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Text
    rules: tuple[ClassificationRule, ...] = Field(min_length=1)

    @field_validator("rules")
    @classmethod
    def _keys_are_unique(cls, rules: tuple[ClassificationRule, ...]) -> tuple[ClassificationRule, ...]:
        repeated = [key for key, count in Counter(rule.key for rule in rules).items() if count > 1]
        if repeated:
            raise ValueError(f"keys used twice: {', '.join(repeated)}")
        return rules

    def as_table(self) -> pa.Table:
        """Give the rules that can fire on ipe_31, a row each.

        `position` is the order of precedence; each text column of ipe_31 has the list of values the rule
        asks for, or null where it asks for none.
        """
        ranked = sorted(self.rules, key=lambda rule: rule.rank)  # stable: equal ranks keep the file's order
        usable = [rule for rule in ranked if set(rule.when) <= set(TEXT_COLUMNS)]
        texts = pa.string()
        return pa.table(
            {
                "position": pa.array(range(len(usable)), pa.int64()),
                "bridge_key": pa.array([rule.key for rule in usable], texts),
                "bridge_title": pa.array([rule.title for rule in usable], texts),
                "dr_gl_accounts": pa.array([", ".join(rule.dr) for rule in usable], texts),
                "cr_gl_accounts": pa.array([", ".join(rule.cr) for rule in usable], texts),
                "required_enrichments": pa.array([", ".join(rule.needs) or None for rule in usable], texts),
                **{
                    f"when_{column}": pa.array([rule.when.get(column) for rule in usable], pa.list_(texts))
                    for column in TEXT_COLUMNS
                },
            }
        )
