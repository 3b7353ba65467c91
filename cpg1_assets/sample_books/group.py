"""The group as it stands: companies, accounts, business lines, names.

Lives here: what does not change from one simulated day to the next. Does not: anything that happens.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Company:
    """A legal entity: its codes, its currency and how much business it does."""

    code: str
    name: str
    country: str
    country_name: str
    currency: str
    lcy_per_usd: int
    """Rough price of a US dollar in hundredths of the local currency."""
    weight: int
    """Share of the group's business, in thousandths."""
    in_scope: bool
    number: int


def _companies() -> tuple[Company, ...]:
    rows = [
        ("EC_NG", "Ecart Internet Services Nigeria Ltd", "NG", "Nigeria", "NGN", 150_000, 190, True),
        ("EC_KE", "Ecart Services Kenya Ltd", "KE", "Kenya", "KES", 12_930, 130, True),
        ("JD_GH", "Jade E-Services Ghana Ltd", "GH", "Ghana", "GHS", 1_445, 90, True),
        ("JD_UG", "Jade E-Services Uganda Ltd", "UG", "Uganda", "UGX", 370_155, 75, True),
        ("EC_IC", "Ecart Services Ivory Coast SARL", "CI", "Côte d'Ivoire", "XOF", 60_215, 110, True),
        ("JD_DZ", "Jade E-Services Algérie SARL", "DZ", "Algeria", "DZD", 13_417, 65, True),
        ("HF_SN", "Hellofood Sénégal, SARL", "SN", "Senegal", "XOF", 60_215, 60, True),
        ("JM_EG", "Jumia Egypt LLC", "EG", "Egypt", "EGP", 4_837, 150, True),
        ("EC_MA", "Ecart Services Morocco SARLAU", "MA", "Morocco", "MAD", 993, 100, True),
        ("JM_TN", "Jumia Tunisie (dormant)", "TN", "Tunisia", "TND", 311, 14, False),
        ("JM_US", "Jumia Technologies Inc", "US", "United States", "USD", 100, 8, False),
        ("AIG_USD", "Africa Internet GmbH USD book", "DE", "Germany", "USD", 100, 8, False),
    ]
    return tuple(Company(*row, number=number) for number, row in enumerate(rows))


COMPANIES = _companies()

RETIRED_COMPANIES = (
    ("JD_ZA", "Jade South Africa (Pty) Ltd", "ZA", None),
    ("JM_AE", "Jumia FZE", "AE", 0),
)
"""Companies that only the dimension remembers: code, name, country, scope flag."""

COUNTRIES = (
    *sorted({(c.country, c.country_name) for c in COMPANIES}),
    ("AE", "United Arab Emirates"),
    ("ZA", "South Africa"),
)

IN_SCOPE = ("13001", "13002", "13003", "13004", "13005", "13009", "13024", "18317", "18350", "18412")
OUT_OF_SCOPE = ("10100", "13015", "18314", "30001", "40010")
ACCOUNTS = (*IN_SCOPE, *OUT_OF_SCOPE)
"""Group account numbers. Their positions here are the account indices of postings."""

ACCOUNT_NAMES = {
    "13001": "Cash at couriers",
    "13002": "Cash at third party logistics",
    "13003": "Trade receivables B2B",
    "13004": "Trade receivables B2C",
    "13005": "Packages delivered, not reconciled",
    "13009": "Loans and employee receivables",
    "13024": "Packages delivered by partners, not reconciled",
    "18317": "Marketplace refund liability",
    "18350": "Customer prepayments",
    "18412": "Voucher liability",
    "10100": "Bank, current accounts",
    "13015": "Receivables from group companies",
    "18314": "Payable to sellers",
    "30001": "Revenue, retail",
    "40010": "Losses and write-offs",
}
IFRS_LEVELS = {
    "1": ("Assets", "Current assets", "Trade and other receivables"),
    "18": ("Liabilities", "Current liabilities", "Other payables"),
    "3": ("Profit and loss", "Revenue", "Revenue"),
    "4": ("Profit and loss", "Costs", "Other expenses"),
}

COUNTER_ACCOUNT = {
    "13001": "10100",
    "13002": "10100",
    "13003": "30001",
    "13004": "30001",
    "13005": "30001",
    "13009": "10100",
    "13015": "10100",
    "13024": "30001",
    "18317": "18314",
    "18350": "10100",
    "18412": "40010",
}
"""Where the other half of what is posted on an account goes, in one entry a month."""

LINES = (
    "customer_ar",
    "collections_ar",
    "packages_not_reconciled",
    "customer_prepayments",
    "voucher_liability",
    "marketplace_refund_liability",
)
CUSTOMER_AR, COLLECTIONS_AR, PACKAGES, PREPAYMENTS, VOUCHERS, REFUNDS = range(len(LINES))

LINE_ACCOUNTS = (
    ("13003", "13004", "13009"),
    ("13001", "13002"),
    ("13005", "13024"),
    ("18350",),
    ("18412",),
    ("18317",),
)

BUSLINES = ("1100", "1200", "2100", "3100")
BUSLINE_NAMES = {
    "1100": ("Retail", "Electronics", "Phones"),
    "1200": ("Retail", "Fashion", None),
    "2100": ("Marketplace", "General", "3P"),
    "3100": ("Services", "Logistics", "Last mile"),
}

BATCH_USERS = ("JUMIA/NAV31AFR.BATCH.SRVC", "JUMIA\\NAV31AFR.BATCH.SRVC", "jumia/nav31afr.batch.srvc ")
"""Spellings of the user that posts what OMS and BOB send."""

PEOPLE = (
    "JUMIA/A.OKAFOR",
    "JUMIA\\F.BENALI",
    "JUMIA/N.WANJIRU",
    "JUMIA/NAV31AFR.BATCH.SRVC2",
    "TEST-JUMIA/NAV31AFR.BATCH.SRVC",
    None,
)
"""Users that are people, or look like the batch user and are not."""


def account_index(account: str) -> int:
    """Give the position of a group account in `ACCOUNTS`."""
    return ACCOUNTS.index(account)


def real_account(company: Company, account: str, busline: int) -> str:
    """Give the company's own number of a group account; two companies split receivables by business line."""
    split = company.code in {"EC_NG", "JM_EG"} and account in {"13003", "13004", "30001"}
    suffix = f"{1 + (busline > 1 and split)}"
    return f"0{account}{suffix}" if company.code == "EC_MA" else f"{account}0{suffix}"


def ifrs_levels(account: str) -> tuple[str, str, str]:
    """Give the three IFRS levels a group account is reported in."""
    return IFRS_LEVELS.get(account[:2]) or IFRS_LEVELS[account[:1]]
