"""Classification of collection items: every open item with the bridge it belongs to.

The rules themselves are data: `classification` says what a rules file may hold.
"""

import duckdb

from cpg1_assets.rules.classification import Classification
from cpg1_assets.rules.engine import Frame, Input, run
from cpg1_assets.rules.frames import CLASSIFICATION_COUNTS, IPE_31_CLASSIFIED, IPE_31_COLUMNS

STATEMENT = r"""
WITH rules AS (
    SELECT
        position, bridge_key, bridge_title, dr_gl_accounts, cr_gl_accounts, required_enrichments,
        list_transform(when_id_company, lambda v: text_key(v)) AS id_companies,
        list_transform(when_company_country, lambda v: text_key(v)) AS company_countries,
        list_transform(when_collection_partner, lambda v: text_key(v)) AS collection_partners,
        list_transform(when_transaction_type, lambda v: text_key(v)) AS transaction_types,
        list_transform(when_related_entity, lambda v: text_key(v)) AS related_entities,
        list_transform(when_service_provider, lambda v: text_key(v)) AS service_providers,
        list_transform(when_partner_type, lambda v: text_key(v)) AS partner_types,
        list_transform(when_erp_name, lambda v: text_key(v)) AS erp_names,
        list_transform(when_gl_bank_account_no, lambda v: text_key(v)) AS gl_bank_accounts
    FROM classification
),

-- The texts as they are compared; those that no rule asks about stay out, so that equal items are few.
asked AS (
    SELECT
        count(id_companies) > 0 AS id_company,
        count(company_countries) > 0 AS company_country,
        count(collection_partners) > 0 AS collection_partner,
        count(transaction_types) > 0 AS transaction_type,
        count(related_entities) > 0 AS related_entity,
        count(service_providers) > 0 AS service_provider,
        count(partner_types) > 0 AS partner_type,
        count(erp_names) > 0 AS erp_name,
        count(gl_bank_accounts) > 0 AS gl_bank_account_no
    FROM rules
),
keyed AS (
    SELECT
        ipe_31.*,
        CASE WHEN asked.id_company THEN text_key(ipe_31.id_company) END AS company,
        CASE WHEN asked.company_country THEN text_key(ipe_31.company_country) END AS country,
        CASE WHEN asked.collection_partner THEN text_key(ipe_31.collection_partner) END AS partner,
        CASE WHEN asked.transaction_type THEN text_key(ipe_31.transaction_type) END AS kind,
        CASE WHEN asked.related_entity THEN text_key(ipe_31.related_entity) END AS entity,
        CASE WHEN asked.service_provider THEN text_key(ipe_31.service_provider) END AS provider,
        CASE WHEN asked.partner_type THEN text_key(ipe_31.partner_type) END AS partner_kind,
        CASE WHEN asked.erp_name THEN text_key(ipe_31.erp_name) END AS erp,
        CASE WHEN asked.gl_bank_account_no THEN text_key(ipe_31.gl_bank_account_no) END AS bank_account
    FROM ipe_31
    CROSS JOIN asked
),

-- A rule fires when every column it names has one of its values; the first in precedence decides.
items AS (
    SELECT
        keyed.*,
        (
            SELECT min(rules.position)
            FROM rules
            WHERE (id_companies IS NULL OR list_contains(id_companies, keyed.company))
              AND (company_countries IS NULL OR list_contains(company_countries, keyed.country))
              AND (collection_partners IS NULL OR list_contains(collection_partners, keyed.partner))
              AND (transaction_types IS NULL OR list_contains(transaction_types, keyed.kind))
              AND (related_entities IS NULL OR list_contains(related_entities, keyed.entity))
              AND (service_providers IS NULL OR list_contains(service_providers, keyed.provider))
              AND (partner_types IS NULL OR list_contains(partner_types, keyed.partner_kind))
              AND (erp_names IS NULL OR list_contains(erp_names, keyed.erp))
              AND (gl_bank_accounts IS NULL OR list_contains(gl_bank_accounts, keyed.bank_account))
        ) AS position
    FROM keyed
)

SELECT
    items.id_company, items.company_country, items.event_date, items.collection_partner,
    items.transaction_type, items.related_entity, items.amount, items.service_provider, items.partner_type,
    items.erp_name, items.gl_bank_account_no, items.closing_date,
    rules.bridge_key,
    rules.bridge_title,
    CASE
        WHEN text_key(items.gl_bank_account_no) IS NULL THEN rules.dr_gl_accounts
        ELSE replace(rules.dr_gl_accounts, '100XX', items.gl_bank_account_no)
    END AS dr_gl_accounts,
    CASE
        WHEN text_key(items.gl_bank_account_no) IS NULL THEN rules.cr_gl_accounts
        ELSE replace(rules.cr_gl_accounts, '100XX', items.gl_bank_account_no)
    END AS cr_gl_accounts,
    rules.required_enrichments
FROM items
LEFT JOIN rules ON rules.position = items.position
"""

COUNTS = r"""
WITH items AS (
    SELECT text_key(id_company) AS company, id_company, bridge_key, amount FROM ipe_31_classified
),
counted AS (
    SELECT
        company, bridge_key, min(id_company) AS id_company, count(*) AS item_count,
        coalesce(sum(amount), 0) AS amount
    FROM items
    GROUP BY company, bridge_key
)
SELECT min(id_company) OVER (PARTITION BY company) AS id_company, bridge_key, item_count, amount FROM counted
"""


def ipe_31_classified(ipe_31: Frame, classification: Classification) -> duckdb.DuckDBPyRelation:
    """Give every collection item with the bridge it belongs to and the accounts it would be booked on.

    A rule fires when every one of its columns has one of its values, ignoring case and surrounding blanks;
    the lowest rank wins, then the order of the file. A rule on a column that `ipe_31` does not have does not
    fire. 100XX among the accounts becomes the item's own G/L bank account where it has one. Items that no
    rule matches keep the five columns empty. No item is dropped or doubled.

    Gives all rows of `ipe_31`, as `IPE_31_CLASSIFIED`; `amount` LCY, debit positive.
    Raises DataError when the input lacks a column or would lose digits.

    Source of the rule: Rules, "Classification of collection items".
    """
    inputs = {
        "ipe_31": Input(ipe_31, IPE_31_COLUMNS),
        "classification": Input(classification.as_table()),
    }
    return run(STATEMENT, inputs, IPE_31_CLASSIFIED)


def classification_counts(ipe_31_classified: Frame) -> duckdb.DuckDBPyRelation:
    """Count the classified items by company and bridge; an empty bridge key counts the unclassified ones.

    Gives rows as `CLASSIFICATION_COUNTS`; `amount` LCY, debit positive.
    Raises DataError when the input lacks a column.

    Source of the rule: Evidence, "A package per extract, month and run" (classifications).
    """
    inputs = {"ipe_31_classified": Input(ipe_31_classified, IPE_31_CLASSIFIED.columns)}
    return run(COUNTS, inputs, CLASSIFICATION_COUNTS)
