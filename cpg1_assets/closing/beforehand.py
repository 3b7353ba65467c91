"""What can be said of settings and options before any work: nothing is made, nothing but the disk is asked.

It imports neither Dagster nor an engine, so that a slip is answered at once.
"""

import os

import fsspec

from cpg1_assets.errors import ScopeError, SettingsError
from cpg1_assets.evidence.chain.signing import open_signer
from cpg1_assets.extracts.company_codes import folded
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.home import Home
from cpg1_assets.sample_books.group import COMPANIES
from cpg1_assets.settings import Settings, dagster_home
from cpg1_assets.sources.connection_string import ConnectionString


def require_options(settings: Settings) -> None:
    """Raise SettingsError, ScopeError, EvidenceError or StorageError for what could not be closed with in any case.

    Which companies a server has only the server can say; those of sample books that are still to be made are known.
    """
    Home(settings).require_own_books()
    if settings.scope is None:
        dagster_home(os.environ)
    read_scope().narrowed(settings.companies, settings.gl_accounts)
    _require_companies_of_the_sample(settings)
    if not settings.is_sample:
        ConnectionString.parse(settings.connection_string or "")
    open_signer(settings.signing_key_file, settings.signing_key)
    _require_storage(settings.storage)
    from cpg1_assets.deliverables.written import written_in  # noqa: PLC0415 - reads locales

    written_in(settings.locale)


def _require_companies_of_the_sample(settings: Settings) -> None:
    if not settings.is_sample or settings.companies is None:
        return
    known = sorted(company.code for company in COMPANIES if company.in_scope)
    unknown = [code for code in settings.companies if folded(code) not in known]
    if unknown:
        raise ScopeError(
            f"Unknown company {', '.join(unknown)}: the companies in scope are {', '.join(known)}."
        )


def _require_storage(storage: str | None) -> None:
    """Refuse a kind of storage that nobody knows, or whose library is not installed; it is not connected to."""
    for link in (storage or "").split("::"):
        if "://" not in link:
            continue
        protocol = link.partition("://")[0]
        try:
            fsspec.get_filesystem_class(protocol)
        except Exception as error:
            raise SettingsError(
                f"CPG1_STORAGE {storage} cannot be used ({error}). Install what {protocol}:// needs, or set "
                "CPG1_STORAGE to a folder or another URL."
            ) from error
