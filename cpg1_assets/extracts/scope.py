"""The scope of the control: the lists of `scope.yaml`, and how they reach the queries.

Which companies are in scope is not written here: the source's own company table says it (see
`companies_in_scope.sql`), and `companies` only narrows that for a run that asks for less.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cpg1_assets import loaded
from cpg1_assets.errors import ScopeError
from cpg1_assets.extracts.company_codes import CompanyCodes, folded
from cpg1_assets.yaml_file import parse_yaml, read_yaml

SCOPE_FILE = "extracts/scope.yaml"

LIST_PARAMETERS = ("companies", "gl_accounts", "customer_posting_groups", "excluded_countries")
"""Names of the list parameters a query may use, each as `IN (@name)`."""


def _exact(values: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [value for value in values if value != value.strip(" ") or not value]
    if wrong:
        raise ValueError(f"write {wrong[0]!r} without blanks around it")
    if len(set(values)) != len(values):
        raise ValueError("a value appears twice")
    return values


def _folded(values: tuple[str, ...]) -> tuple[str, ...]:
    """Give fixed values as queries compare them: upper case, no blanks around."""
    return _exact(tuple(value.strip(" ").upper() for value in values))


ExactList = Annotated[tuple[str, ...], AfterValidator(_exact)]
FoldedList = Annotated[tuple[str, ...], AfterValidator(_folded)]


class Scope(BaseModel):
    """What the control covers. `companies` is None for every company in scope."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gl_accounts: ExactList = Field(min_length=1)
    customer_posting_groups: FoldedList = Field(min_length=1)
    excluded_countries: FoldedList = ()
    companies: ExactList | None = None

    def narrowed(self, companies: Sequence[str] | None, gl_accounts: Sequence[str] | None) -> "Scope":
        """Give this scope for some companies and some accounts only; None keeps what it has.

        Raises ScopeError for an account outside the scope, and for an empty list. Whether a company
        exists is known only once the source is asked.
        """
        for what, asked in (("company", companies), ("GL account", gl_accounts)):
            if asked is not None and not asked:
                raise ScopeError(f"A scope without any {what} has nothing to close: name at least one.")
        unknown = [account for account in gl_accounts or () if account not in self.gl_accounts]
        if unknown:
            raise ScopeError(
                f"Unknown GL account {', '.join(unknown)}: "
                f"the accounts in scope are {', '.join(self.gl_accounts)}."
            )
        inside = {folded(company) for company in self.companies or ()}
        outside = [c for c in companies or () if self.companies is not None and folded(c) not in inside]
        if outside:
            raise ScopeError(f"Company {', '.join(outside)} is outside the scope, which is already narrowed.")
        changes: dict[str, tuple[str, ...]] = {}
        if companies is not None:
            changes["companies"] = CompanyCodes(companies).codes
        if gl_accounts is not None:
            changes["gl_accounts"] = tuple(a for a in self.gl_accounts if a in set(gl_accounts))
        return self.model_copy(update=changes)

    def parameters(self) -> dict[str, tuple[str, ...]]:
        """Give the list parameters of the queries, all but `companies`, which the source itself resolves."""
        return {
            "gl_accounts": self.gl_accounts,
            "customer_posting_groups": self.customer_posting_groups,
            "excluded_countries": self.excluded_countries,
        }


def read_scope(path: Path | None = None) -> Scope:
    """Give the scope of the file that was loaded, or of another. Raises FileFormatError naming file and line."""
    if path is not None:
        return read_yaml(path, Scope)
    return parse_yaml(loaded.TEXTS[SCOPE_FILE], Scope, name=str(loaded.PACKAGE / SCOPE_FILE))
