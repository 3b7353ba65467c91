"""Taking one extract from the source: one session, the rows, the server's own totals, the witnesses.

No Dagster here. The result is a complete, sorted, validated file that is not yet in its place.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpg1_assets.errors import LongTextError, ScopeError
from cpg1_assets.extracts.catalog import Extract, companies_in_scope_sql
from cpg1_assets.extracts.contract import Contract
from cpg1_assets.extracts.scope import Scope
from cpg1_assets.extracts.validation import validate_extract
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.interface import Session, Source, SourceIdentity
from cpg1_assets.sources.query import Query, Value
from cpg1_assets.storage.parquet import WrittenParquet, write_parquet
from cpg1_assets.validation import Validation


@dataclass(frozen=True)
class Extraction:
    """A complete extract, and everything evidence says about how it came to be.

    `source` says what was asked and whether it kept one snapshot; `parameters` are all values bound to the
    main query; `several_matches` counts, by join, the rows that had more than one candidate in a join that
    only describes.
    """

    source: SourceIdentity
    written: WrittenParquet
    query_text: str
    text_sent: str
    parameters: Mapping[str, Value]
    validations: list[Validation]
    several_matches: Mapping[str, int]
    control_queries: Mapping[str, str]
    log: list[dict[str, Any]]

    @property
    def complete(self) -> bool:
        """Whether no blocking validation failed."""
        return all(v.passed for v in self.validations if v.blocking)


class ExecutionLog:
    """What happened when, for `07_execution_log.json`: seconds since the first entry."""

    def __init__(self) -> None:
        """Start the clock."""
        self.entries: list[dict[str, Any]] = []
        self._start = time.monotonic()

    def __call__(self, event: str, **figures: object) -> None:
        """Add an entry."""
        seconds = round(time.monotonic() - self._start, 3)
        self.entries.append({"seconds": seconds, "event": event, **figures})


def extract_month(
    extract: Extract, source: Source, scope: Scope, month: CutoffMonth, spool: Path
) -> Extraction:
    """Take `extract` for `month` into the file `spool`, and validate it.

    Rows, totals and witnesses see one snapshot where the source keeps one; where it does not, a mismatch
    of the totals repeats all of them once before it counts as a failure.

    Raises ScopeError for a company that is not in scope, DataError when rows break the contract, and the
    source's errors as they are. The validations of a complete extraction may still have failed.
    """
    log = ExecutionLog()
    name = extract.contract.name
    with source.session({"asset": name, "month": month.key}) as session:
        parameters = bound_parameters(session, scope, month)
        log("companies in scope resolved", companies=len(parameters["companies"]))  # type: ignore[arg-type]
        extraction = _attempt(extract, session, parameters, month, spool, log)
        if not extraction.complete and not session.identity().keeps_snapshot:
            log("the control totals differ and the source keeps no snapshot: everything is read once more")
            extraction = _attempt(extract, session, parameters, month, spool, log)
    return extraction


def bound_parameters(session: Session, scope: Scope, month: CutoffMonth) -> dict[str, Value]:
    """Give every value a query may name: the month's dates, and the companies, accounts and lists of the scope.

    Raises ScopeError when the scope asks for a company the group does not have in scope, and when no company
    is in scope at all: a month without companies would close without a line, and prove nothing.
    """
    in_scope = companies_in_scope(session)
    if not in_scope:
        raise ScopeError(
            "No company is in scope, so there is nothing to close: Dim_Company.Flg_In_Conso_Scope is 1 for none. "
            "Ask the owner of that table who changed the flags, and run the month again when they are right."
        )
    unknown = [company for company in scope.companies or () if company not in in_scope]
    if unknown:
        raise ScopeError(
            f"Unknown company {', '.join(unknown)}: the companies in scope are {', '.join(in_scope)}."
        )
    companies = tuple(c for c in in_scope if scope.companies is None or c in scope.companies)
    if not companies:
        raise ScopeError(
            "The scope is narrowed to no company, so there is nothing to close: name at least one of those that "
            f"have Dim_Company.Flg_In_Conso_Scope = 1, which are {', '.join(in_scope)}."
        )
    return {**month.parameters(), **scope.parameters(), "companies": companies}


def companies_in_scope(session: Session) -> list[str]:
    """Give the companies the group has in scope, whatever this run is narrowed to."""
    return sorted(str(row["id_company"]) for row in session.rows(Query(companies_in_scope_sql(), {})))


def _attempt(
    extract: Extract,
    session: Session,
    parameters: Mapping[str, Value],
    month: CutoffMonth,
    spool: Path,
    log: ExecutionLog,
) -> Extraction:
    contract = extract.contract
    query = Query(extract.sql, parameters)
    totals_query = Query(contract.control_totals, parameters)
    positive = Query(contract.witnesses.positive.sql, parameters)
    negative = Query(contract.witnesses.negative.sql, parameters)
    log("query sent")
    written = _written(session, query, contract, spool, log)
    log("rows written, sorted", rows=written.rows, size_bytes=written.size_bytes)
    totals = session.rows(totals_query)
    log("control totals counted by the server", companies=len(totals))
    several = session.rows(Query(contract.several_matches, parameters)) if contract.several_matches else []
    ambiguities = Query(contract.unambiguous.sql, parameters) if contract.unambiguous else None
    companies = [str(company) for company in parameters["companies"]]  # type: ignore[union-attr] # always a list
    validations = validate_extract(
        written.path,
        contract,
        month.parameters(),
        companies,
        totals,
        session.rows(positive),
        session.rows(negative),
        session.rows(ambiguities) if ambiguities else (),
    )
    log(
        "validated",
        failed=[v.name for v in validations if v.tested and not v.passed],
        nothing_to_test=[v.name for v in validations if not v.tested],
    )
    return Extraction(
        source=session.identity(),
        written=written,
        query_text=extract.sql,
        text_sent=session.text_sent(query),
        parameters=query.named(),
        validations=validations,
        several_matches={str(row["join_name"]): int(row["row_count"]) for row in several},
        control_queries={
            "control_totals": session.text_sent(totals_query),
            "positive_witness": session.text_sent(positive),
            "negative_witness": session.text_sent(negative),
            **({"unambiguous": session.text_sent(ambiguities)} if ambiguities else {}),
        },
        log=log.entries,
    )


def _written(
    session: Session, query: Query, contract: Contract, spool: Path, log: ExecutionLog
) -> WrittenParquet:
    """Write the rows; anew from the first, in the same session, where the session had to make room for a text."""
    try:
        return write_parquet(session.stream(query), contract, spool)
    except LongTextError as long_text:
        log("the rows are read once more", why=str(long_text))
    return _written(session, query, contract, spool, log)
