"""The rows of both sides of every line, as SQL: which they are, their references, amounts and dates.

Lives here: what a row of a side is, and how a reference is read off it. Does not: what belongs together, which is
`open_item_matches`, or what a row says beside its reference, which is `open_items`.

Source of the rule: Open items, "What is a row of a side" and "How rows are matched" (references).
"""

from typing import NamedTuple

from cpg1_assets.frame import columns
from cpg1_assets.rules.engine import Frame, Input
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import NAV_REFERENCES, TARGET_REFERENCES, Matching

NAV_OPEN_ITEMS = columns(
    ("id_company", "text"),
    ("entry_no", "integer"),
    ("group_coa_account_no", "text"),
    ("posting_date", "date"),
    ("document_no", "text"),
    ("external_document_no", "text"),
    ("voucher_no", "text"),
    ("source_no", "text"),
    ("document_description", "text"),
    ("comment", "text"),
    ("source_code", "text"),
    ("gl_creation_date", "timestamp"),
    ("amount", "amount"),
    ("remaining_amount", "amount"),
)
IPE_07 = columns(
    ("id_company", "text"),
    ("entry_no", "integer"),
    ("document_no", "text"),
    ("external_document_no", "text"),
    ("customer_no", "text"),
    ("posting_date", "date"),
    ("original_amount_lcy", "amount"),
    ("remaining_amount_lcy", "amount"),
)
IPE_08 = columns(
    ("id_company", "text"),
    ("voucher_id", "text"),
    ("business_use", "text"),
    ("is_active", "flag"),
    ("is_valid", "text"),
    ("created_at", "timestamp"),
    ("to_date", "timestamp"),
    ("remaining_amount", "amount"),
    ("total_amount_used", "amount"),
)
IPE_10 = columns(
    ("id_company", "text"),
    ("order_item_id", "text"),
    ("order_nr", "text"),
    ("finance_verified_date", "timestamp"),
    ("prepayment_amount", "amount"),
)
IPE_12 = columns(
    ("id_company", "text"),
    ("package_number", "text"),
    ("order_item_id", "text"),
    ("order_nr", "text"),
    ("tracking_number", "text"),
    ("delivered_date", "timestamp"),
    ("package_delivery_date", "timestamp"),
    ("amount_due", "amount"),
)
IPE_31 = columns(
    ("id_company", "text"),
    ("event_date", "timestamp"),
    ("collection_partner", "text"),
    ("transaction_type", "text"),
    ("related_entity", "text"),
    ("amount", "amount"),
)
IPE_34 = columns(
    ("id_company", "text"),
    ("order_item_id", "text"),
    ("case_type", "text"),
    ("is_marketplace", "flag"),
    ("order_nr", "text"),
    ("return_date", "timestamp"),
    ("refund_date", "timestamp"),
    ("amount_to_refund", "amount"),
)
DOC_VOUCHER_USAGE = columns(("id_company", "text"), ("voucher_id", "text"), ("transaction_no", "text"))
CR_05 = columns(("id_company", "text"), ("company_country", "text"))


# A voucher is looked up; all other references are columns as they stand.
_NAV_COLUMNS = tuple(name for name in NAV_REFERENCES if name != "voucher_of_document")


def _chosen(column: str, names: tuple[str, ...]) -> str:
    """Give the SQL of the reference that the file names in `column`: of the columns `names`, that one."""
    branches = " ".join(f"WHEN '{name}' THEN {name}" for name in names)
    return f"CASE books.{column} {branches} END"


class TargetRows(NamedTuple):
    """How the rows of a target extract are read, as SQL over it and over `books`, the lines of each company.

    `references` are the columns that a matching file may name. `key` tells the row from every other of its company,
    `day` is the row's own date, `amount` the column a line takes, LCY, positive as the extract has it. `counts` are
    the conditions under which it is a row of the line, as in `target_values`; empty where all rows are.
    """

    references: tuple[str, ...]
    key: str
    day: str
    amount: str
    counts: str = ""


TARGET_ROWS = {
    "ipe_07": TargetRows(
        TARGET_REFERENCES["ipe_07"],
        "CAST(entry_no AS VARCHAR)",
        "posting_date",
        "remaining_amount_lcy",
    ),
    "ipe_08": TargetRows(
        TARGET_REFERENCES["ipe_08"],
        "voucher_id",
        "CAST(created_at AS DATE)",
        "remaining_amount",
        """
        AND (
            books.row_filter = 'all'
            OR (is_active AND text_key(is_valid) = 'VALID' AND is_non_marketing(business_use))
        )""",
    ),
    "ipe_10": TargetRows(
        TARGET_REFERENCES["ipe_10"],
        "coalesce(order_item_id, '')",
        "CAST(finance_verified_date AS DATE)",
        "prepayment_amount",
    ),
    "ipe_12": TargetRows(
        TARGET_REFERENCES["ipe_12"],
        "concat(package_number, '|', order_item_id)",
        "CAST(coalesce(package_delivery_date, delivered_date) AS DATE)",
        "amount_due",
    ),
    # A key may repeat in this extract: rows that share one are told apart by their place among them.
    "ipe_31": TargetRows(
        TARGET_REFERENCES["ipe_31"],
        """concat(
            transaction_type, '|', related_entity, '|', event_date, '|', collection_partner, '|',
            row_number() OVER (
                PARTITION BY
                    text_key(ipe_31.id_company),
                    concat(transaction_type, '|', related_entity, '|', event_date, '|', collection_partner)
                ORDER BY amount NULLS FIRST, related_entity NULLS FIRST
            )
        )""",
        "CAST(event_date AS DATE)",
        "amount",
    ),
    "ipe_34": TargetRows(
        TARGET_REFERENCES["ipe_34"],
        "concat(order_item_id, '|', case_type)",
        """CAST(
            CASE WHEN text_key(case_type) = 'RETURNED NOT YET REFUNDED' THEN return_date ELSE refund_date END AS DATE
        )""",
        "amount_to_refund",
        "\n        AND (books.row_filter = 'all' OR is_marketplace)",
    ),
}


def _target(extract: str, rows: TargetRows) -> str:
    """Give the SQL of the rows of a target extract that count, in NAV's sign."""
    return f"""
    SELECT
        books.book, {rows.key} AS row_key,
        {_chosen("target_1", rows.references)} AS written_1,
        {_chosen("target_2", rows.references)} AS written_2,
        {rows.day} AS day,
        CASE books.sign WHEN -1 THEN -coalesce({rows.amount}, 0) ELSE coalesce({rows.amount}, 0) END AS amount
    FROM {extract}
    JOIN books ON books.extract = '{extract}' AND books.amount_column = '{rows.amount}'
        AND books.company = text_key({extract}.id_company){rows.counts}"""


_TARGETS = "\n    UNION ALL".join(_target(extract, rows) for extract, rows in TARGET_ROWS.items())

ROWS = rf"""
companies AS (
    SELECT
        text_key(id_company) AS company, min(id_company) AS id_company,
        the_one(text_key(company_country)) AS country
    FROM cr_05
    GROUP BY company
),
-- A book is one line of one company: within it rows belong together, never across.
books AS MATERIALIZED (
    SELECT
        CAST(row_number() OVER (ORDER BY companies.company, lines.line) AS INTEGER) AS book,
        companies.company, companies.id_company, companies.country, lines.line, lines.extract, lines.amount_column,
        lines.row_filter, lines.sign, line_matching.* EXCLUDE (line)
    FROM companies
    CROSS JOIN lines
    JOIN line_matching ON line_matching.line = lines.line
),
book_accounts AS MATERIALIZED (
    SELECT books.*, line_accounts.account
    FROM books
    JOIN line_accounts ON line_accounts.line = books.line
),
-- The voucher whose usage a transaction is; one of several vouchers decides nothing.
transactions AS MATERIALIZED (
    SELECT
        text_key(id_company) AS company, voucher_key(transaction_no) AS number,
        the_one(voucher_key(voucher_id)) AS voucher, count(DISTINCT voucher_key(voucher_id)) AS vouchers
    FROM doc_voucher_usage
    WHERE text_key(transaction_no) IS NOT NULL
    GROUP BY ALL
),
nav_read AS NOT MATERIALIZED (
    SELECT
        books.book, entry_no, books.account, posting_date AS day, coalesce(remaining_amount, 0) AS amount,
        coalesce(nav_open_items.amount, remaining_amount, 0) AS posted,
        nav_open_items.document_no, document_description, comment, source_code, source_no, gl_creation_date,
        transactions.vouchers, books.nav_1, books.nav_2, books.nav_3,
        {_chosen("nav_1", _NAV_COLUMNS)} AS written_1,
        {_chosen("nav_2", _NAV_COLUMNS)} AS written_2,
        {_chosen("nav_3", _NAV_COLUMNS)} AS written_3,
        compared(written_1) AS compared_1,
        CASE WHEN nav_2 IS NOT NULL THEN compared(written_2) END AS compared_2,
        CASE WHEN nav_3 IS NOT NULL THEN compared(written_3) END AS compared_3,
        transactions.voucher
    FROM nav_open_items
    JOIN book_accounts AS books
        ON books.account = text_key(group_coa_account_no)
        AND books.company = text_key(nav_open_items.id_company)
    LEFT JOIN transactions
        ON transactions.company = books.company
        AND transactions.number = CASE WHEN books.looks_up THEN voucher_key(nav_open_items.document_no) END
),
nav_keyed AS NOT MATERIALIZED (
    SELECT
        *,
        CASE WHEN nav_1 = 'voucher_of_document' THEN voucher ELSE number_key(compared_1) END AS key_1,
        CASE WHEN nav_2 = 'voucher_of_document' THEN voucher ELSE number_key(compared_2) END AS key_2,
        CASE WHEN nav_3 = 'voucher_of_document' THEN voucher ELSE number_key(compared_3) END AS key_3
    FROM nav_read
),
nav_rows AS NOT MATERIALIZED (
    SELECT
        book, entry_no, account, day, amount, posted, document_no, document_description, comment, source_code,
        source_no, gl_creation_date,
        coalesce(key_1, key_2, key_3) AS reference,
        CASE
            WHEN key_1 IS NOT NULL THEN coalesce(written_1, voucher)
            WHEN key_2 IS NOT NULL THEN coalesce(written_2, voucher)
            WHEN key_3 IS NOT NULL THEN coalesce(written_3, voucher)
        END AS written,
        -- Only a document number may stand for something else: it may name another's reference, or none.
        CASE WHEN key_1 IS NOT NULL THEN nav_1 WHEN key_2 IS NOT NULL THEN nav_2 ELSE nav_3 END
            IS NOT DISTINCT FROM 'document_no' AS by_document,
        vouchers
    FROM nav_keyed
),
target_read AS NOT MATERIALIZED ({_TARGETS}
),
target_rows AS NOT MATERIALIZED (
    SELECT
        book, row_key, day, amount,
        coalesce(number_key(compared(written_1)), number_key(compared(written_2))) AS reference,
        CASE WHEN trim(written_1, ' ') <> '' THEN written_1 ELSE written_2 END AS written
    FROM target_read
)"""
"""The named queries that statements about rows start with.

- `books`: a line of a company, with what the files say of it. Rows of two books never belong together.
- `nav_rows`, `target_rows`: the rows of either side, once each, with book, date (`day`), amount (LCY, NAV's sign),
  reference as it is compared and as it is written (`written`). `by_document` says that the reference is the document
  number, `vouchers` how many vouchers the document is a usage of, `posted` what the entry was posted at.
- `transactions`: the voucher whose usage a transaction is; none where it is that of several.
- `companies`, `book_accounts`: what these are made of.
"""


def row_inputs(
    nav_open_items: Frame,
    ipe_07: Frame,
    ipe_08: Frame,
    ipe_10: Frame,
    ipe_12: Frame,
    ipe_31: Frame,
    ipe_34: Frame,
    doc_voucher_usage: Frame,
    cr_05: Frame,
    lines: Lines,
    matching: Matching,
) -> dict[str, Input]:
    """Give what `ROWS` reads, by name: the frames, and what the lines and the matching file say as tables."""
    return {
        "nav_open_items": Input(nav_open_items, NAV_OPEN_ITEMS),
        "ipe_07": Input(ipe_07, IPE_07),
        "ipe_08": Input(ipe_08, IPE_08),
        "ipe_10": Input(ipe_10, IPE_10),
        "ipe_12": Input(ipe_12, IPE_12),
        "ipe_31": Input(ipe_31, IPE_31),
        "ipe_34": Input(ipe_34, IPE_34),
        "doc_voucher_usage": Input(doc_voucher_usage, DOC_VOUCHER_USAGE),
        "cr_05": Input(cr_05, CR_05),
        "lines": Input(lines.as_table()),
        "line_accounts": Input(lines.accounts_table()),
        "line_matching": Input(matching.lines_table()),
        "matching": Input(matching.settings_table()),
    }
