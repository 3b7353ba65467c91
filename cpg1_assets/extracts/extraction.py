"""Taking one extract from the source: one session, the rows, the server's own totals, the witnesses.

No Dagster here. The result is a complete, sorted, validated file that is not yet in its place.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.errors import LongTextError, ScopeError
from cpg1_assets.extracts.catalog import Extract, companies_in_scope_sql
from cpg1_assets.extracts.company_codes import COMPANY, CompanyCodes
from cpg1_assets.extracts.contract import SEVERAL, Contract
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
    main query; `several_matches` counts, by join that only describes, the rows that had several candidates.
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
    extract: Extract,
    source: Source,
    scope: Scope,
    month: CutoffMonth,
    spool: Path,
    companies: tuple[str, ...] | None = None,
) -> Extraction:
    """Take `extract` for `month` into the file `spool`, and validate it.

    Which companies are asked for, the source itself says, unless `companies` does: those of a month as it was sealed.

    Rows, totals and witnesses see one snapshot where the source keeps one; where it does not, a mismatch
    of the totals repeats all of them once before it counts as a failure.

    Raises ScopeError for a company that is not in scope, DataError when rows break the contract, and the
    source's errors as they are. The validations of a complete extraction may still have failed.
    """
    log = ExecutionLog()
    name = extract.contract.name
    with source.session({"asset": name, "month": month.key}) as session:
        parameters = (
            bound_parameters(session, scope, month)
            if companies is None
            else {**month.parameters(), **scope.parameters(), "companies": companies}
        )
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
    in_scope = CompanyCodes(companies_in_scope(session))
    if not in_scope.codes:
        raise ScopeError(
            "No company is in scope, so there is nothing to close: Dim_Company.Flg_In_Conso_Scope is 1 for none. "
            "Ask the owner of that table who changed the flags, and run the month again when they are right."
        )
    asked = [in_scope.spelled(company) for company in scope.companies or ()]
    unknown = [company for company in asked if company not in in_scope.codes]
    if unknown:
        raise ScopeError(
            f"Unknown company {', '.join(map(str, unknown))}: the companies in scope are {', '.join(in_scope.codes)}."
        )
    companies = tuple(c for c in in_scope.codes if scope.companies is None or c in asked)
    if not companies:
        raise ScopeError(
            "The scope is narrowed to no company, so there is nothing to close: name at least one of those that "
            f"have Dim_Company.Flg_In_Conso_Scope = 1, which are {', '.join(in_scope.codes)}."
        )
    return {**month.parameters(), **scope.parameters(), "companies": companies}


def companies_in_scope(session: Session) -> list[str]:
    """Give the companies the group has in scope, each once, whatever this run is narrowed to."""
    rows = session.rows(Query(companies_in_scope_sql(), {}))
    return list(CompanyCodes(str(row["id_company"]) for row in rows).codes)


def company_countries(session: Session) -> dict[str, str | None]:
    """Give the country of each company the group has in scope; of a company listed under several, as cr_05 takes it."""
    rows = session.rows(Query(companies_in_scope_sql(), {}))
    codes = CompanyCodes(str(row["id_company"]) for row in rows)
    found: dict[str, str | None] = {}
    for row in sorted(rows, key=lambda row: (row["company_country"] is None, row["company_country"] or "")):
        found.setdefault(str(codes.spelled(str(row["id_company"]))), row["company_country"])
    return found


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
    witnesses = Query(contract.witnesses.sql, parameters)
    ambiguities = Query(contract.unambiguous.sql, parameters) if contract.unambiguous else None
    companies = [str(company) for company in parameters["companies"]]  # type: ignore[union-attr] # always a list
    codes = CompanyCodes(companies)
    log("query sent")
    written, several = _written(session, query, contract, codes, spool, log)
    log("rows written, sorted", rows=written.rows, size_bytes=written.size_bytes)
    totals = session.rows(totals_query)
    log("control totals counted by the server", companies=len(totals))
    validations = validate_extract(
        written.path,
        contract,
        month.parameters(),
        companies,
        codes.in_rows(totals),
        codes.in_rows(session.rows(witnesses)),
        codes.in_rows(session.rows(ambiguities)) if ambiguities else (),
    )
    if codes.respelled:
        log("company codes spelled as in scope", spelled=dict(sorted(codes.respelled.items())))
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
        several_matches=several,
        control_queries={
            "control_totals": session.text_sent(totals_query),
            "witnesses": session.text_sent(witnesses),
            **({"unambiguous": session.text_sent(ambiguities)} if ambiguities else {}),
        },
        log=log.entries,
    )


def _written(
    session: Session,
    query: Query,
    contract: Contract,
    codes: CompanyCodes,
    spool: Path,
    log: ExecutionLog,
) -> tuple[WrittenParquet, dict[str, int]]:
    """Write the rows; anew from the first, in the same session, where the session had to make room for a text.

    Gives, too, how many had several candidates, by join.
    """
    counts = dict.fromkeys(contract.several_matches, 0)
    try:
        written = write_parquet(kept(session.stream(query), codes, counts), contract, spool)
    except LongTextError as long_text:
        log("the rows are read once more", why=str(long_text))
    else:
        return written, {_join_name(name): count for name, count in counts.items()}
    return _written(session, query, contract, codes, spool, log)


def kept(reader: pa.RecordBatchReader, codes: CompanyCodes, counts: dict[str, int]) -> pa.RecordBatchReader:
    """Give the rows of an extract's query as they are kept: companies as the scope spells them.

    The columns that `counts` names are added up in it as the rows are read, and left out.
    """

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            for name in counts:
                counts[name] += int(pc.sum(batch.column(name)).as_py() or 0)
            yield codes.in_batch(batch.drop_columns(list(counts)))

    schema = pa.schema([field for field in reader.schema if field.name not in counts])
    place = schema.get_field_index(COMPANY)
    return pa.RecordBatchReader.from_batches(schema.set(place, pa.field(COMPANY, pa.string())), batches())


def _join_name(column: str) -> str:
    return column.removeprefix(SEVERAL).replace("_", " ")
