"""The sealed ledger in the field names of the AICPA's Audit Data Standards, General Ledger Standard, July 2015.

Here is which field is which column, as data: an expression over the sealed frame, or none where the extract has nothing
that the field means. Such a field is left empty, and nothing is put into it. How files are written is in `data_files`.

`GL_Detail` is `cr_03`, a line per entry. `Trial_Balance` is `cr_04`, a line per account and dimensions, from the end of the
year before to the cutoff. Both have the group's account as the account, which the control reconciles, and the company's own
as the first segment.
"""

from dataclasses import dataclass

EDITION = "AICPA Audit Data Standards, General Ledger Standard, July 2015"


@dataclass(frozen=True)
class Field:
    """A field of the standard: the SQL that gives it, None where nothing does, and what it holds, or why it is empty."""

    name: str
    sql: str | None
    holds: str


@dataclass(frozen=True)
class StandardFile:
    """A file of the standard: its name without the dates, the sealed frame it is of, its fields, and how rows come to be.

    `sql` is the statement with `{fields}` in it; the frame is the view `frame`, and `currencies` has the currency of each
    company. `order` makes the same rows the same bytes.
    """

    name: str
    frame: str
    sql: str
    order: str
    fields: tuple[Field, ...]

    @property
    def statement(self) -> str:
        """The whole statement."""
        fields = ",\n    ".join(f'{field.sql or "NULL"} AS "{field.name}"' for field in self.fields)
        return f"{self.sql.format(fields=fields)}\nORDER BY {self.order}"


def _code(column: str) -> str:
    """Write a code without the blanks that a fixed-width column ends its texts in."""
    return f"rtrim({column}, ' ')"


_NOTHING = "empty: the extract has nothing that says it"
_ONE_CURRENCY = "empty: the extract has the amount in the company's currency only"
_DATE, _TIME = "%Y%m%d", "%H%M%S"

GL_DETAIL = StandardFile(
    name="GL_Detail",
    frame="cr_03",
    sql="SELECT\n    {fields}\nFROM frame LEFT JOIN currencies USING (id_company)",
    order="frame.id_company, frame.entry_no",
    fields=(
        Field("Journal_ID", "document_no", "`document_no`"),
        Field("Journal_ID_Line_Number", "entry_no", "`entry_no`, unique in its company"),
        Field("JE_Header_Description", "document_description", "`document_description`"),
        Field("JE_Line_Description", "comment", "`comment`"),
        Field("Source", "source_code", "`source_code`"),
        Field("Business_Unit_Code", _code("id_company"), "`id_company`: a company is a legal entity"),
        Field("Effective_Date", f"strftime(posting_date, '{_DATE}')", "`posting_date`"),
        Field("Fiscal_Year", "strftime(posting_date, '%Y')", "year of `posting_date`: the fiscal year is the calendar's"),
        Field("Period", "strftime(posting_date, 'M%m')", "month of `posting_date`, `M01` to `M12`"),
        Field("GL_Account_Number", _code("group_coa_account_no"), "`group_coa_account_no`"),
        Field("Amount", "abs(amount)", "`amount` without its sign: that of the entry itself, not what is open of it"),
        Field(
            "Amount_Credit_Debit_Indicator",
            "CASE WHEN amount < 0 THEN 'C' WHEN amount IS NOT NULL THEN 'D' END",
            "`C` where `amount` is negative, else `D`",
        ),
        Field("Amount_Currency", "currencies.currency", "currency of the company's country; empty where it does not say"),
        Field("Reporting_Amount", None, _ONE_CURRENCY),
        Field("Reporting_Amount_Currency", None, _ONE_CURRENCY),
        Field("Local_Amount", None, "empty: `Amount` is in the company's own currency"),
        Field("Local_Amount_Currency", None, "empty: `Amount` is in the company's own currency"),
        Field("Entered_By", "user_id", "`user_id`"),
        Field("Entered_Date", f"strftime(gl_creation_date, '{_DATE}')", "day of `gl_creation_date`"),
        Field("Entered_Time", f"strftime(gl_creation_date, '{_TIME}')", "time of `gl_creation_date`"),
        Field("Approved_By", None, _NOTHING),
        Field("Approved_Date", None, _NOTHING),
        Field("Last_Modified_By", None, _NOTHING),
        Field("Last_Modified_Date", None, _NOTHING),
        Field("Reversal_Indicator", None, "empty: `reversed` says that an entry has a counterpart, not which reverses"),
        Field("Reversal_Journal_ID", None, _NOTHING),
        Field("Segment01", _code("gl_account_no"), "`gl_account_no`, the account in the company's own chart"),
        Field("Segment02", _code("busline_code"), "`busline_code`"),
        Field("Segment03", _code("department_code"), "`department_code`"),
        Field("Segment04", _code("partner_code"), "`partner_code`"),
        Field("Segment05", _code("ic_partner_code"), "`ic_partner_code`"),
    ),
)  # fmt: skip


def _balance(when: str) -> str:
    """Sum the balances of a day; without a row there was none, and a row without an amount says nothing."""
    return f"CASE WHEN count(*) FILTER ({when}) = 0 THEN 0 ELSE sum(balance_at_date) FILTER ({when}) END"


_CUTOFF = "closing_date = $cutoff_date"
_DIMENSIONS = ("group_coa_account_no", "real_coa", "busline_code", "partner_code", "ic_partner_code")
_TRIMMED = ", ".join(f"{_code(name)} AS {name}" for name in ("id_company", *_DIMENSIONS))
TRIAL_BALANCE = StandardFile(
    name="Trial_Balance",
    frame="cr_04",
    sql=f"""WITH balances AS (
    SELECT * REPLACE ({_TRIMMED})
    FROM frame
)
SELECT
    {{fields}}
FROM balances LEFT JOIN currencies USING (id_company)
GROUP BY balances.id_company, currencies.currency, {", ".join(_DIMENSIONS)}""",
    order="ALL NULLS FIRST",
    fields=(
        Field("GL_Account_Number", "group_coa_account_no", "`group_coa_account_no`"),
        Field("Business_Unit_Code", "balances.id_company", "`id_company`"),
        Field("Fiscal_Year", "strftime($cutoff_date, '%Y')", "year of the cutoff date"),
        Field("Period", "strftime($cutoff_date, 'M%m')", "month of the cutoff date, `M01` to `M12`"),
        Field("Balance_As_Of_Date", f"strftime($cutoff_date, '{_DATE}')", "the cutoff date"),
        Field(
            "Amount_Beginning",
            _balance("closing_date <> $cutoff_date"),
            "sum of `balance_at_date` at the end of the year before, signed: there is none of the month before",
        ),
        Field("Amount_Ending", _balance(_CUTOFF), "sum of `balance_at_date` at the cutoff date, signed, debit positive"),
        Field("Amount_Currency", "currencies.currency", "currency of the company's country; empty where it does not say"),
        Field("Amount_Beginning_Reporting", None, _ONE_CURRENCY),
        Field("Amount_Ending_Reporting", None, _ONE_CURRENCY),
        Field("Amount_Reporting_Currency", None, _ONE_CURRENCY),
        Field("Amount_Beginning_Local", None, "empty: the amounts are in the company's own currency"),
        Field("Amount_Ending_Local", None, "empty: the amounts are in the company's own currency"),
        Field("Amount_Local_Currency", None, "empty: the amounts are in the company's own currency"),
        Field("Segment01", "real_coa", "`real_coa`, the account in the company's own chart"),
        Field("Segment02", "busline_code", "`busline_code`"),
        Field("Segment03", None, "empty: balances have no department"),
        Field("Segment04", "partner_code", "`partner_code`"),
        Field("Segment05", "ic_partner_code", "`ic_partner_code`"),
    ),
)  # fmt: skip

FILES = (GL_DETAIL, TRIAL_BALANCE)
