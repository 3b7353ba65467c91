"""What a month's extracts and JDash files hold, by the product's queries and without Dagster, which is faster."""

from pathlib import Path

import pyarrow as pa

from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.company_codes import CompanyCodes
from cpg1_assets.extracts.extraction import bound_parameters, kept
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.jdash.month import read_jdash
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.interface import Session
from cpg1_assets.sources.query import Query


def extracted(books: Path, session: Session, month: CutoffMonth) -> dict[str, pa.Table]:
    """Give every extract of a month by name, and `jdash` from the books' inbox."""
    parameters = bound_parameters(session, read_scope(), month)
    codes = CompanyCodes(parameters["companies"])  # type: ignore[arg-type] # always texts
    taken = {
        name: kept(
            session.stream(Query(extract.sql, parameters)),
            codes,
            dict.fromkeys(extract.contract.several_matches, 0),
        ).read_all()
        for name, extract in read_catalog().items()
    }
    companies = taken["cr_05"]["id_company"].to_pylist()
    return {**taken, "jdash": read_jdash(books / "inbox", month, companies).table}
