"""The derived frames: columns, types, key and amounts of everything the rules give.

What an extract looks like is its contract's business, not this module's; the columns a rule needs of its
inputs stand beside the rule. Amounts are LCY, or USD where the name ends in `_usd`.
"""

from cpg1_assets.frame import Column, ColumnType, FrameSpec, columns

BRIDGE_CATEGORIES = ("Issuance", "Usage", "Cancellation", "Expired", "VTC")
VOUCHER_TYPES = ("Refund", "Apology", "JForce", "Store Credit")
RECONCILIATION_STATUSES = ("RECONCILED", "EXPLAINED", "VARIANCE_DETECTED", "NOT_COMPUTED")

_COMPANY: tuple[str, ColumnType, str] = ("id_company", "text", "Company code")
_CATEGORY = Column(
    name="bridge_category",
    type="text",
    allowed=BRIDGE_CATEGORIES,
    description="What happened to the voucher; empty where no rule applies",
)
_VOUCHER_TYPE = Column(
    name="voucher_type",
    type="text",
    allowed=VOUCHER_TYPES,
    description="Kind of voucher; empty where the rules cannot tell",
)

NAV_VOUCHER_ENTRIES = FrameSpec(
    name="nav_voucher_entries",
    title="NAV voucher entries",
    description="Every NAV entry of the year on 18412, the voucher liability, with its category and type",
    key=("id_company", "entry_no"),
    amounts=("amount",),
    columns=(
        *columns(
            _COMPANY,
            ("entry_no", "integer", "NAV entry number"),
            ("posting_date", "date", "Day the entry was posted for"),
            ("document_no", "text", "NAV document number"),
            ("voucher_no", "text", "Voucher number NAV holds for the entry"),
            ("amount", "amount", "Amount of the entry, LCY, debit positive"),
            required=["id_company", "entry_no"],
        ),
        Column(
            name="integration_type",
            type="text",
            nullable=False,
            allowed=("Integration", "Manual"),
            description="Whether the interface user or a person posted it",
        ),
        _CATEGORY,
        _VOUCHER_TYPE,
    ),
)

CUSTOMER_POSTING_GROUP_BRIDGE = FrameSpec(
    name="customer_posting_group_bridge",
    title="Customer posting group bridge",
    description="Customers whose open entries carry several posting groups; it identifies, its amount is 0",
    key=("id_company", "customer_no"),
    amounts=("remaining_amount_lcy",),
    columns=columns(
        _COMPANY,
        ("customer_no", "text", "NAV customer number"),
        ("customer_name", "text", "First of the customer's names"),
        ("posting_groups", "text", "The distinct posting groups, sorted, joined by a comma and a blank"),
        ("posting_group_count", "integer", "How many posting groups"),
        ("entry_count", "integer", "All open entries of the customer"),
        ("remaining_amount_lcy", "amount", "Sum over all open entries of the customer, LCY, debit positive"),
        required=[
            "id_company",
            "customer_no",
            "posting_groups",
            "posting_group_count",
            "entry_count",
            "remaining_amount_lcy",
        ],
    ),
)

TIMING_DIFFERENCE_BRIDGE = FrameSpec(
    name="timing_difference_bridge",
    title="Timing difference bridge",
    description=(
        "Inactive vouchers of the last twelve months: used according to operations (ordered) less used "
        "according to delivery. Not seen: a partly used voucher in transit, which is still active, and one "
        "created before the window"
    ),
    key=("id_company", "voucher_id"),
    amounts=("total_amount_used", "jdash_amount_used", "variance"),
    columns=columns(
        _COMPANY,
        ("voucher_id", "text", "Voucher number"),
        ("business_use", "text", "What the voucher was issued for"),
        ("created_at", "timestamp", "When it was created"),
        ("total_amount_used", "amount", "Used on delivered packages, LCY"),
        ("jdash_amount_used", "amount", "Used on orders according to JDash, LCY; 0 where not listed"),
        ("variance", "amount", "JDash amount used less total amount used, LCY"),
        required=["id_company", "voucher_id", "jdash_amount_used", "variance"],
    ),
)

VTC_ADJUSTMENT = FrameSpec(
    name="vtc_adjustment",
    title="VTC adjustment",
    description=(
        "Refund vouchers cancelled in BOB in the month that NAV has not booked. Not seen: a booking made "
        "before the year began"
    ),
    key=("id_company", "voucher_id"),
    amounts=("remaining_amount", "remaining_amount_usd"),
    columns=columns(
        _COMPANY,
        ("voucher_id", "text", "Voucher number"),
        ("business_use_formatted", "text", "What the voucher was issued for"),
        ("deactivated_on", "timestamp", "When the voucher was deactivated"),
        ("remaining_amount", "amount", "What remained of it, LCY"),
        (
            "remaining_amount_usd",
            "amount",
            "What remained of it, USD; empty without a rate, or with two that differ",
        ),
        required=["id_company", "voucher_id", "deactivated_on", "remaining_amount"],
    ),
)

VTC_BOOKED_AT_ANOTHER_AMOUNT = FrameSpec(
    name="vtc_booked_at_another_amount",
    title="Cancelled vouchers booked at another amount than remained",
    description="Refund vouchers cancelled in BOB in the month that NAV booked, but not at what remained",
    key=("id_company", "voucher_id"),
    amounts=("remaining_amount", "booked_amount", "difference"),
    columns=columns(
        _COMPANY,
        ("voucher_id", "text", "Voucher number"),
        ("remaining_amount", "amount", "What remained of the voucher, LCY"),
        ("booked_amount", "amount", "Sum of its VTC and Cancellation entries, LCY, debit positive"),
        ("difference", "amount", "Booked less remaining, LCY"),
        required=["id_company", "voucher_id", "booked_amount", "difference"],
    ),
)

BUSINESS_LINE_RECLASS = FrameSpec(
    name="business_line_reclass",
    title="Business-line reclass",
    description="Customers with balances on more than one business line, with a proposal; nothing is posted",
    key=("id_company", "customer_no", "busline_code"),
    amounts=("balance_lcy", "proposed_reclass_lcy"),
    columns=columns(
        _COMPANY,
        ("customer_no", "text", "NAV customer number"),
        ("busline_code", "text", "Business line"),
        ("balance_lcy", "amount", "Open balance of the customer on the line, LCY, debit positive"),
        ("busline_count", "integer", "How many lines the customer has a balance on"),
        ("proposed_primary_busline", "text", "The line with the largest absolute balance"),
        ("proposed_reclass_lcy", "amount", "Balance to move to the primary line, LCY; 0 on the primary"),
        ("review_required", "flag", "Always true: a person decides"),
        required=[
            "id_company",
            "customer_no",
            "busline_code",
            "balance_lcy",
            "busline_count",
            "proposed_primary_busline",
            "proposed_reclass_lcy",
            "review_required",
        ],
    ),
)

IPE_31_COLUMNS = columns(
    _COMPANY,
    ("company_country", "text", "Country of the company"),
    ("event_date", "timestamp", "When the item arose"),
    ("collection_partner", "text", "Partner that holds the cash"),
    ("transaction_type", "text", "Kind of collection transaction"),
    ("related_entity", "text", "Number of the payment, packlist or package"),
    ("amount", "amount", "Open amount, LCY, debit positive"),
    ("service_provider", "text", "Service provider of the partner's node"),
    ("partner_type", "text", "Kind of partner"),
    ("erp_name", "text", "The partner's name in NAV"),
    ("gl_bank_account_no", "text", "G/L account of the partner's bank account"),
    ("closing_date", "date", "The cutoff date"),
    required=["id_company"],
)

IPE_31_CLASSIFIED = FrameSpec(
    name="ipe_31_classified",
    title="Classification of collection items",
    description="Every open collection item with the bridge it belongs to; empty where no rule fires",
    key=("id_company", "transaction_type", "related_entity", "event_date", "collection_partner"),
    amounts=("amount",),
    columns=(
        *IPE_31_COLUMNS,
        *columns(
            ("bridge_key", "text", "Key of the rule that fired"),
            ("bridge_title", "text", "What the rule is called"),
            ("dr_gl_accounts", "text", "Accounts to debit"),
            ("cr_gl_accounts", "text", "Accounts to credit"),
            ("required_enrichments", "text", "What a person must add before posting"),
        ),
    ),
)

TARGET_VALUES = FrameSpec(
    name="target_values",
    title="Target values",
    description="What the operational systems say each line should be, in NAV's sign; 0 without rows",
    key=("id_company", "line"),
    amounts=("target_value",),
    columns=columns(
        _COMPANY,
        ("line", "text", "Line of the reconciliation"),
        ("target_value", "amount", "Target value, LCY, debit positive"),
        required=["id_company", "line", "target_value"],
    ),
)

RECONCILIATION = FrameSpec(
    name="reconciliation",
    title="Reconciliation",
    description="Actual less target, explained by bridges, per company and line",
    key=("id_company", "line"),
    amounts=(
        "actual",
        "target_value",
        "variance",
        "bridges",
        "unexplained",
        "variance_usd",
        "unexplained_usd",
    ),
    columns=(
        *columns(
            _COMPANY,
            (
                "country_code",
                "text",
                "Country of the company (company_country of cr_05); empty where cr_05 gives two",
            ),
            ("line", "text", "Line of the reconciliation"),
            ("actual", "amount", "Balance in NAV at the cutoff date, LCY, debit positive"),
            ("target_value", "amount", "Target value, LCY, debit positive"),
            ("variance", "amount", "Actual less target value, LCY"),
            ("bridges", "amount", "Sum of the line's bridges, LCY; empty where an input of them is missing"),
            ("unexplained", "amount", "Variance less bridges, LCY"),
            ("fx_rate", "rate", "Closing rate, LCY per USD; empty where cr_05 gives two that differ"),
            ("variance_usd", "amount", "Variance, USD; empty without a rate"),
            ("unexplained_usd", "amount", "Unexplained, USD; empty without a rate"),
            ("threshold_usd", "amount", "Threshold the line is held against, USD"),
            ("threshold_rule", "text", "country/type/account/category/voucher_type of the threshold"),
            required=[
                "id_company",
                "line",
                "actual",
                "target_value",
                "variance",
                "threshold_usd",
                "threshold_rule",
            ],
        ),
        Column(
            name="status",
            type="text",
            nullable=False,
            allowed=RECONCILIATION_STATUSES,
            description="How the line ends",
        ),
    ),
)

VOUCHER_ACCRUAL_VARIANCE = FrameSpec(
    name="voucher_accrual_variance",
    title="Voucher accrual variance",
    description="Voucher liability by category and type: NAV's month against the vouchers' own data",
    key=("id_company", "bridge_category", "voucher_type"),
    amounts=("nav_amount", "target_amount", "variance", "variance_usd"),
    columns=(
        *columns(_COMPANY, required=["id_company"]),
        _CATEGORY,
        _VOUCHER_TYPE,
        *columns(
            ("nav_amount", "amount", "NAV entries posted in the month, LCY, debit positive"),
            ("target_amount", "amount", "The vouchers' own data of the month, LCY, NAV's sign"),
            ("variance", "amount", "NAV less target, LCY"),
            ("variance_usd", "amount", "Variance, USD; empty without a rate"),
            ("threshold_usd", "amount", "Threshold the bucket is held against, USD"),
            required=["nav_amount", "target_amount", "variance", "threshold_usd"],
        ),
        Column(
            name="status",
            type="text",
            nullable=False,
            allowed=("OK", "INVESTIGATE"),
            description="OK below the threshold, else INVESTIGATE; without a rate, or with two that differ, INVESTIGATE",
        ),
    ),
)

GL_ROLL_FORWARD = FrameSpec(
    name="gl_roll_forward",
    title="Roll-forward",
    description="Opening balance and the year's movement against the closing balance, by company and account",
    key=("id_company", "group_coa_account_no"),
    amounts=("opening", "movement", "closing", "difference"),
    columns=columns(
        _COMPANY,
        ("group_coa_account_no", "text", "Group account"),
        ("opening", "amount", "Balance at the end of the year before, LCY, debit positive"),
        ("movement", "amount", "What the year's entries moved the balance by, LCY"),
        ("closing", "amount", "Balance at the cutoff date, LCY, debit positive"),
        ("difference", "amount", "Opening plus movement less closing, LCY; 0 where it ties out"),
        required=["id_company", "opening", "movement", "closing", "difference"],
    ),
)

MATCHING_SIDES = ("NAV", "TARGET", "SETTLEMENT", "LEDGER")
MATCHING_PASSES = ("reference", "named", "linked", "summary", "usage", "applied", "ledger", "none")
MATCHING_CONFIDENCES = ("certain", "likely", "ambiguous", "none")
AGE_BUCKETS = ("0-30", "31-60", "61-90", "91-180", "181-365", "over 365")
CAUSES = (
    "posted twice",
    "never posted",
    "posted after the close",
    "booked in another month",
    "manual journal",
    "cancelled, not booked",
    "booked at another amount",
    "ordered, never delivered",
    "used, not delivered yet",
    "partly used, in transit",
    "expired, not booked",
    "unknown account or company",
    "rounding",
    "unknown",
)
CAUSE_CONFIDENCES = ("proposed", "none")

_LINE: tuple[str, ColumnType, str] = ("line", "text", "Line of the reconciliation")
_ITEM: tuple[str, ColumnType, str] = ("item", "text", "Name of the item: the same from month to month")
_MATCHED_BY = Column(
    name="matched_by",
    type="text",
    nullable=False,
    allowed=MATCHING_PASSES,
    description="The pass of the matching that put the rows together",
)
_CONFIDENCE = Column(
    name="confidence",
    type="text",
    nullable=False,
    allowed=MATCHING_CONFIDENCES,
    description=(
        "certain; likely of usage and applied, where two facts and an amount agree that only one of each has; ambiguous "
        "where several could be meant, so that none was taken; else none"
    ),
)

OPEN_ITEM_MATCHES = FrameSpec(
    name="open_item_matches",
    title="Open item matches",
    description="Every row of both sides of a line, exactly once, with the item it belongs to and why",
    key=("id_company", "line", "side", "row_key"),
    amounts=("amount",),
    columns=(
        *columns(_COMPANY, _LINE, required=["id_company", "line"]),
        Column(
            name="side",
            type="text",
            nullable=False,
            allowed=MATCHING_SIDES,
            description="NAV, TARGET, SETTLEMENT (a voucher's part of an expiry run) or LEDGER (balance less entries)",
        ),
        *columns(
            ("row_key", "text", "Which row it is, within company, line and side"),
            (
                "reference",
                "text",
                "The reference as the row writes it; of a NAV entry known by its transaction, the voucher as it compares",
            ),
            ("amount", "amount", "Amount of the row, LCY, NAV's sign: debit positive"),
            _ITEM,
            required=["row_key", "amount", "item"],
        ),
        _MATCHED_BY,
        _CONFIDENCE,
        *columns(
            ("rule_version", "text", "Version of the matching rules"),
            ("decided_by", "text", "The reference or link that decided; empty where nothing did"),
            (
                "candidates",
                "integer",
                "How many could be meant: 1 of a row that is matched, more of one that is ambiguous, 0 of others",
            ),
            required=["rule_version", "candidates"],
        ),
    ),
)

OPEN_ITEMS = FrameSpec(
    name="open_items",
    title="Open items",
    description="What each variance is made of: every item whose difference or bridge amount is not zero",
    key=("id_company", "line", "item"),
    amounts=(
        "nav_amount",
        "target_amount",
        "difference",
        "bridge_amount",
        "unexplained",
        "unexplained_usd",
    ),
    columns=(
        *columns(
            _COMPANY,
            ("country_code", "text", "Country of the company, as in reconciliation"),
            _LINE,
            _ITEM,
            ("nav_amount", "amount", "NAV's side, with its LEDGER and SETTLEMENT rows, LCY, debit positive"),
            ("target_amount", "amount", "The target's side, LCY, NAV's sign"),
            ("difference", "amount", "NAV less target, LCY"),
            (
                "bridge",
                "text",
                "The bridges laid on the item, joined by a comma and a blank; empty where none",
            ),
            ("bridge_amount", "amount", "What these bridges explain of it, each with its sign, LCY"),
            ("unexplained", "amount", "Difference less bridge amount, LCY"),
            (
                "unexplained_usd",
                "amount",
                "Unexplained, USD, rounded by itself, so it need not add up; empty without a rate",
            ),
            ("nav_entries", "integer", "How many rows of NAV"),
            ("target_rows", "integer", "How many rows of the target"),
            (
                "first_date",
                "date",
                "Earliest date of its rows, of a late LEDGER row its entry's; without any, its voucher's creation",
            ),
            ("last_date", "date", "Latest date of its rows, else as for first_date"),
            ("age_days", "integer", "Days from first_date to the cutoff date; empty without a date"),
            required=[
                "id_company",
                "line",
                "item",
                "nav_amount",
                "target_amount",
                "difference",
                "bridge_amount",
                "unexplained",
                "nav_entries",
                "target_rows",
            ],
        ),
        Column(
            name="age_bucket",
            type="text",
            allowed=AGE_BUCKETS,
            description="0-30, 31-60, 61-90, 91-180, 181-365 or over 365 days",
        ),
        _MATCHED_BY,
        _CONFIDENCE,
        Column(
            name="cause", type="text", nullable=False, allowed=CAUSES, description="What probably caused it"
        ),
        Column(
            name="cause_confidence",
            type="text",
            nullable=False,
            allowed=CAUSE_CONFIDENCES,
            description="Proposed by a rule; none where the cause is unknown. Only a comment confirms one",
        ),
        *columns(
            (
                "reference",
                "text",
                "Reference of its earliest row of NAV, TARGET or LEDGER that has one, as written; else its voucher",
            ),
            (
                "document_no",
                "text",
                "Documents of its NAV entries and late LEDGER rows, newest first, at most ten, with commas between",
            ),
            ("description", "text", "Description of its newest NAV entry"),
            (
                "entry_created_after_balance",
                "flag",
                "Whether an entry of it, or the one its LEDGER row stands for, was made after the balance was taken",
            ),
            required=["entry_created_after_balance"],
        ),
    ),
)

ITEMS_THAT_DO_NOT_ADD_UP = FrameSpec(
    name="items_that_do_not_add_up",
    title="Lines whose items do not add up to them",
    description="Lines of a company whose rows or items are not the reconciliation's figures, or not all there",
    key=("id_company", "line"),
    amounts=(
        "actual",
        "nav_amount",
        "target_value",
        "target_amount",
        "variance",
        "difference",
        "bridges",
        "bridge_amount",
        "unexplained",
        "unexplained_of_items",
    ),
    columns=columns(
        _COMPANY,
        _LINE,
        ("actual", "amount", "Balance in NAV, LCY, debit positive"),
        ("nav_amount", "amount", "Sum of the rows of NAV's side, LCY"),
        ("target_value", "amount", "Target value, LCY"),
        ("target_amount", "amount", "Sum of the rows of the target's side, LCY"),
        ("variance", "amount", "Variance of the line, LCY; empty where it is not computed"),
        ("difference", "amount", "Sum of the items' differences, LCY"),
        ("bridges", "amount", "Bridges of the line, LCY; empty where it is not computed"),
        ("bridge_amount", "amount", "Sum of the bridges laid on its items, LCY"),
        ("unexplained", "amount", "Unexplained of the line, LCY; empty where it is not computed"),
        ("unexplained_of_items", "amount", "Sum of the items' unexplained amounts, LCY"),
        ("nav_rows", "integer", "NAV entries on the accounts of the line"),
        ("nav_matched", "integer", "NAV entries among the matches"),
        ("target_rows", "integer", "Rows of the target that count"),
        ("target_matched", "integer", "Rows of the target among the matches"),
        ("other_rows", "flag", "Whether the rows among the matches are not those of the extracts, each once"),
    ),
)

OPEN_ITEM_SUGGESTIONS = FrameSpec(
    name="open_item_suggestions",
    title="Open items that may belong together",
    description="Pairs of open items of equal and opposite amount, the only ones of it; they close nothing",
    key=("id_company", "line", "item", "other_item"),
    amounts=("unexplained",),
    columns=columns(
        _COMPANY,
        _LINE,
        ("item", "text", "The item with the positive amount"),
        ("other_item", "text", "The item with the opposite amount"),
        ("unexplained", "amount", "Unexplained amount of the first, LCY; the other's is its opposite"),
        ("days_apart", "integer", "Days between their first dates"),
        required=["id_company", "line", "item", "other_item", "unexplained", "days_apart"],
    ),
)

ITEM_CHANGES = ("new", "persisting", "changed", "resolved", "merged", "split", "not compared")

OPEN_ITEMS_BEFORE = FrameSpec(
    name="open_items_before",
    title="Open items of the month before",
    description=(
        "What the newest seal of the month before says was open then: each line with the rows of its items and "
        "their comments, and a row without an item for a line that had none. Empty where that month was not sealed"
    ),
    key=("id_company", "line", "item", "side", "row_key"),
    columns=(
        *columns(
            ("sealed_month", "text", "Month before"),
            ("sealed_version", "integer", "Its sealed version that was read"),
            ("seal_digest", "text", "Digest of that version's link in the chain"),
            _COMPANY,
            _LINE,
            required=["sealed_month", "sealed_version", "seal_digest", "id_company", "line"],
        ),
        Column(
            name="line_status",
            type="text",
            nullable=False,
            allowed=RECONCILIATION_STATUSES,
            description="How the line ended then",
        ),
        Column(
            name="item",
            type="text",
            description="Name of an item open then; empty where the line had none",
        ),
        Column(
            name="side",
            type="text",
            allowed=MATCHING_SIDES,
            description="Side of a row of the item; empty where bridges alone make it",
        ),
        *columns(
            ("row_key", "text", "Key of that row in its extract"),
            ("unexplained", "amount", "Unexplained amount of the whole item then, LCY"),
        ),
        Column(name="cause", type="text", allowed=CAUSES, description="What probably caused it, then"),
        *columns(
            ("reference", "text", "Reference of the item, as written"),
            ("first_date", "date", "Earliest date of its rows"),
            ("comment", "text", "Comment on the item then"),
            ("owner", "text", "Who looked after it"),
        ),
        Column(
            name="confirmed_cause", type="text", allowed=CAUSES, description="Cause that a person confirmed"
        ),
        *columns(("source_file", "text", "Files the comment was read from")),
    ),
)

OPEN_ITEM_CHANGES = FrameSpec(
    name="open_item_changes",
    title="Changes of the open items",
    description=(
        "What became of each item that was open at the end of the month before, and where each one that is open "
        "now came from. Of merged and split items there is a row for each pair"
    ),
    key=("id_company", "line", "item_before", "item"),
    columns=(
        *columns(_COMPANY, _LINE, required=["id_company", "line"]),
        Column(
            name="change",
            type="text",
            nullable=False,
            allowed=ITEM_CHANGES,
            description=(
                "changed where the unexplained amount or the cause is another; not compared where the line was not "
                "computed in both months, or the month before was not sealed"
            ),
        ),
        *columns(
            ("item_before", "text", "Name of the item then; empty where there is none"),
            ("item", "text", "Name of the item now; empty where it is resolved"),
            ("reference", "text", "Reference of the item now, or then, as written"),
            (
                "unexplained_before",
                "amount",
                "Unexplained amount of the whole item then, LCY: not to be added up over merged and split ones",
            ),
            ("unexplained", "amount", "Unexplained amount of the item now, LCY"),
        ),
        Column(name="cause_before", type="text", allowed=CAUSES, description="What probably caused it, then"),
        Column(name="cause", type="text", allowed=CAUSES, description="What probably causes it, now"),
        *columns(
            ("comment_before", "text", "Comment on the item then"),
            ("owner_before", "text", "Who looked after it then"),
        ),
        Column(
            name="confirmed_cause_before",
            type="text",
            allowed=CAUSES,
            description="Cause that a person confirmed then",
        ),
        *columns(
            ("source_file_before", "text", "Files that the comment was read from"),
            (
                "comment_carries",
                "flag",
                "Whether what was said then stays said: something was, and the item is persisting. Else it lapsed",
            ),
            required=["comment_carries"],
        ),
    ),
)

OPEN_ITEM_COMMENTS = FrameSpec(
    name="open_item_comments",
    title="Comments on the open items",
    description="What people say of the open items of the month: in its comments file, or carried forward",
    key=("item",),
    columns=(
        *columns(_ITEM, required=["item"]),
        *columns(
            ("comment", "text", "The comment; empty where only an owner or a cause is given"),
            ("owner", "text", "Who looks after the item"),
        ),
        Column(
            name="confirmed_cause", type="text", allowed=CAUSES, description="Cause that a person confirms"
        ),
        *columns(
            ("source_file", "text", "Files it was read from, joined by a comma and a blank"),
            required=["source_file"],
        ),
    ),
)

OPEN_ITEMS_COMMENTED = FrameSpec(
    name="open_items_commented",
    title="Open items with their comments",
    description="The open items, and what people say of them; nothing where nobody did",
    key=OPEN_ITEMS.key,
    amounts=OPEN_ITEMS.amounts,
    columns=(
        *OPEN_ITEMS.columns,
        *(c for c in OPEN_ITEM_COMMENTS.columns if c.name in ("comment", "owner", "confirmed_cause")),
    ),
)


OPEN_ITEMS_SHEET = FrameSpec(
    name="open_items_sheet",
    title="Open items as a sheet gives them out",
    description=(
        "The open items with what a person needs beside them to look at each and comment on it: by company and line, "
        "the largest first"
    ),
    key=("place",),
    amounts=OPEN_ITEMS.amounts,
    columns=(
        *columns(("place", "integer", "Place in the list"), required=["place"]),
        *(column for column in OPEN_ITEMS.columns if column.name != "country_code"),
        *(c for c in OPEN_ITEM_COMMENTS.columns if c.name in ("comment", "owner", "confirmed_cause")),
        *columns(
            ("currency", "text", "Currency of the company's books; empty where it is not known"),
            ("is_asked", "flag", "Whether a sign-off asks for a comment on it"),
            ("decided_by", "text", "References and links that put its rows together, at most ten"),
            ("candidates", "integer", "How many could have been meant, at most, for a row of it"),
            ("change", "text", "What became of it since the month before"),
            ("lapsed_comment", "text", "What was said of it then, where that does not stand any more"),
            ("currency_no", "integer", "The same for items whose amounts can be added up"),
            required=["is_asked", "candidates", "currency_no"],
        ),
    ),
)

OPEN_ITEMS_AND_BALANCES = FrameSpec(
    name="open_items_and_balances",
    title="Open items and balances",
    description="The open entries of an account against its balance at the cutoff date, by company and account",
    key=("id_company", "group_coa_account_no"),
    amounts=("open_amount", "created_after", "balance", "difference", "created_between"),
    columns=columns(
        _COMPANY,
        ("group_coa_account_no", "text", "Group account"),
        ("open_entries", "integer", "How many entries are open"),
        ("open_amount", "amount", "Sum of what is open of them, LCY, debit positive"),
        (
            "created_after",
            "amount",
            "Amounts of entries made after the last balance was taken, open or settled, LCY",
        ),
        ("balance", "amount", "Balance at the cutoff date, LCY, debit positive; empty where there is none"),
        ("difference", "amount", "Open amount less what was created after, less balance, LCY"),
        ("created_between", "amount", "Amounts of entries made after the first balance and by the last, LCY"),
        ("first_refresh_date", "timestamp", "When the first of the account's balances was taken"),
        ("last_refresh_date", "timestamp", "When the last of them was taken"),
        required=[
            "id_company",
            "open_entries",
            "open_amount",
            "difference",
            "created_after",
            "created_between",
        ],
    ),
)

CLASSIFICATION_COUNTS = FrameSpec(
    name="classification_counts",
    title="Collection items by bridge",
    description="Items and amounts by company and bridge key; the empty key counts the unclassified ones",
    key=("id_company", "bridge_key"),
    amounts=("amount",),
    columns=columns(
        _COMPANY,
        ("bridge_key", "text", "Key of the rule that fired; empty for items no rule matches"),
        ("item_count", "integer", "How many items"),
        ("amount", "amount", "Their sum, LCY, debit positive"),
        required=["id_company", "item_count", "amount"],
    ),
)

COUNTRY_MATERIALITY = FrameSpec(
    name="country_materiality",
    title="Country materiality",
    description="The sum of absolute unexplained amounts of a country against its materiality",
    key=("country_code",),
    amounts=("unexplained_usd",),
    columns=(
        *columns(
            ("country_code", "text", "Country"),
            ("unexplained_usd", "amount", "Sum of absolute unexplained amounts, USD"),
            ("threshold_usd", "amount", "Country materiality, USD"),
            ("threshold_rule", "text", "country/type/account/category/voucher_type of the threshold"),
            ("lines_without_figure", "integer", "Lines that have no unexplained amount in USD"),
            required=["unexplained_usd", "threshold_usd", "threshold_rule", "lines_without_figure"],
        ),
        Column(
            name="status",
            type="text",
            nullable=False,
            allowed=("OK", "INVESTIGATE"),
            description="OK where every line has a figure and their sum is below the threshold",
        ),
    ),
)

MATERIAL_PROOF_ROWS = FrameSpec(
    name="material_proof_rows",
    title="Material proof rows",
    description="The rows behind the bridges that reach the line-item threshold, or have no rate to be held to it",
    key=("bridge", "id_company", "reference"),
    amounts=("amount",),
    columns=columns(
        ("bridge", "text", "Bridge the row is a proof of"),
        _COMPANY,
        ("reference", "text", "Voucher, or customer and business line"),
        ("amount", "amount", "Amount of the row, LCY, debit positive"),
        ("amount_usd", "amount", "The same in USD; empty without a rate"),
        ("threshold_usd", "amount", "Line-item threshold, USD"),
        ("threshold_rule", "text", "country/type/account/category/voucher_type of the threshold"),
        required=["bridge", "threshold_usd", "threshold_rule"],
    ),
)

COMPANIES_WITHOUT_A_RATE = FrameSpec(
    name="companies_without_a_rate",
    title="Companies without a rate",
    description="Every row of a company that has no closing FX rate, or more than one",
    key=("id_company", "fx_rate"),
    columns=columns(_COMPANY, ("fx_rate", "rate", "Closing rate, LCY per USD")),
)

UNKNOWN_VOUCHERS = FrameSpec(
    name="unknown_vouchers",
    title="Vouchers of JDash that the snapshot does not have",
    description="Vouchers that operations say were used and the month's voucher snapshot does not know",
    key=("id_company", "voucher_id"),
    amounts=("amount_used",),
    columns=columns(
        _COMPANY,
        ("voucher_id", "text", "Voucher id as written"),
        ("amount_used", "amount", "Amount used, LCY"),
        ("source_file", "text", "Name of the file in the inbox"),
    ),
)

UNCLASSIFIED_ITEMS = FrameSpec(
    name="unclassified_items",
    title="Collection items that no rule classifies",
    description="Items and amounts without a bridge, by transaction type",
    key=("transaction_type",),
    amounts=("amount",),
    columns=columns(
        ("transaction_type", "text", "Kind of collection transaction"),
        ("items", "integer", "How many items"),
        ("amount", "amount", "Their sum, LCY, debit positive"),
    ),
)

LINES_WITH_ANSWER = FrameSpec(
    name="lines_with_answer",
    title="Lines with their answer",
    description="The reconciliation, and whether each line of a company is reconciled or explained",
    key=RECONCILIATION.key,
    amounts=RECONCILIATION.amounts,
    columns=(
        *RECONCILIATION.columns,
        *columns(("is_explained", "flag", "Whether the line is reconciled or explained")),
    ),
)

VARIANCE_BY_CAUSE = FrameSpec(
    name="variance_by_cause",
    title="Variances by cause",
    description="Every line of the reconciliation with its open items by cause; a line without items has one row",
    key=("id_company", "line", "cause"),
    amounts=(
        "variance", "bridges", "line_unexplained", "difference", "bridge_amount", "unexplained", "gross",
    ),
    columns=columns(
        _COMPANY,
        _LINE,
        ("cause", "text", "Cause of the items; empty where the line has none"),
        ("status", "text", "Status of the line"),
        ("variance", "amount", "Variance of the line, LCY"),
        ("bridges", "amount", "What the bridges explain of the line, LCY"),
        ("line_unexplained", "amount", "What stays unexplained of the line, LCY"),
        ("items", "integer", "How many items"),
        ("difference", "amount", "Their differences, LCY"),
        ("bridge_amount", "amount", "What the bridges explain of them, LCY"),
        ("unexplained", "amount", "What stays unexplained of them, LCY"),
        ("gross", "amount", "The same by absolute amounts"),
    ),
)  # fmt: skip

_LISTED = columns(
    _COMPANY,
    _LINE,
    ("place", "integer", "Place in the list"),
    _ITEM,
    ("reference", "text", "Reference of the item's earliest row, as written"),
    ("document_no", "text", "Documents of its NAV entries"),
    ("unexplained", "amount", "Unexplained amount, LCY"),
    ("unexplained_usd", "amount", "The same in USD; empty without a rate"),
    ("cause", "text", "What probably caused it"),
    ("age_days", "integer", "Days from the first date to the cutoff date"),
)

LARGEST_OPEN_ITEMS = FrameSpec(
    name="largest_open_items",
    title="Largest open items",
    description="The largest items of each line with an unexplained variance, by company",
    key=("id_company", "line", "place"),
    amounts=("unexplained", "unexplained_usd"),
    columns=_LISTED,
)

LISTED_OPEN_ITEMS = FrameSpec(
    name="listed_open_items",
    title="Open items to look at",
    description="Open items that a check lists: those without USD and the largest first",
    key=("place",),
    amounts=("unexplained", "unexplained_usd"),
    columns=(
        *_LISTED,
        *columns(
            ("found", "integer", "How many there are in all"),
            ("computed", "integer", "How many lines were computed"),
        ),
    ),
)

WHAT_IS_MISSING = FrameSpec(
    name="what_is_missing",
    title="What is missing",
    description="The inputs that a line which is not computed lacks, by company",
    key=("id_company", "line", "missing"),
    columns=columns(
        _COMPANY,
        _LINE,
        ("missing", "text", "rate, balance, or the frame the company has no row of"),
        required=["id_company", "line", "missing"],
    ),
)

BRIDGES_OF_LINES = FrameSpec(
    name="bridges_of_lines",
    title="What each bridge explains of each line",
    description="The amount of each bridge that explains one, by company and line, with the sign it enters the line with",
    key=("id_company", "line", "bridge"),
    amounts=("amount",),
    columns=columns(
        _COMPANY,
        _LINE,
        ("bridge", "text", "Name of the bridge"),
        ("amount", "amount", "What it explains of the line, LCY"),
        required=["id_company", "line", "bridge", "amount"],
    ),
)

ITEMS_AND_WHAT_AGREES = FrameSpec(
    name="items_and_what_agrees",
    title="Rows that agree, and open items",
    description="What agrees comes to, and what the open items come to, by company and line",
    key=("id_company", "line"),
    amounts=("nav_amount", "target_amount", "item_nav_amount", "item_target_amount"),
    columns=columns(
        _COMPANY,
        _LINE,
        ("nav_entries", "integer", "How many NAV entries agree"),
        ("target_rows", "integer", "How many rows of the target agree"),
        ("nav_amount", "amount", "NAV's side of what agrees, LCY, debit positive"),
        ("target_amount", "amount", "The target's side of what agrees, LCY, NAV's sign"),
        ("item_nav_amount", "amount", "NAV's side of all open items, LCY, debit positive"),
        ("item_target_amount", "amount", "The target's side of all open items, LCY, NAV's sign"),
        required=[
            "id_company",
            "line",
            "nav_entries",
            "target_rows",
            "nav_amount",
            "target_amount",
            "item_nav_amount",
            "item_target_amount",
        ],
    ),
)

ITEM_ROWS = FrameSpec(
    name="item_rows",
    title="Rows of an item",
    description="Every row of both sides of one open item, with what a person reads of it",
    key=("side", "row_key"),
    amounts=("amount",),
    columns=columns(
        ("side", "text", "Side of the row, as in the matches"),
        ("row_key", "text", "Key of the row in its extract"),
        ("day", "date", "NAV's posting date, or the target's own date"),
        ("amount", "amount", "Amount of the row, LCY, NAV's sign"),
        ("document_no", "text", "Document of a NAV entry"),
        ("reference", "text", "Reference as the row writes it"),
        ("description", "text", "What NAV or the target says of it"),
        ("matched_by", "text", "The pass of the matching that put it there"),
        ("confidence", "text", "How certain that is"),
        ("rule_version", "text", "Version of the matching rules"),
        ("decided_by", "text", "The reference or link that decided"),
        ("candidates", "integer", "How many could have been meant"),
        required=["side", "row_key", "amount", "matched_by", "confidence", "rule_version", "candidates"],
    ),
)

CHECK_RESULTS = FrameSpec(
    name="check_results",
    title="Check results",
    description=(
        "What every check of the month found before it was sealed: those of the extracts and of the derived "
        "frames. Nothing in it tells one run from another that found the same"
    ),
    key=("asset", "check", "id_company", "line"),
    columns=columns(
        ("asset", "text", "Asset the check is of"),
        ("check", "text", "Name of the check"),
        (
            "severity",
            "text",
            "ERROR where a balance is wrong or a source incomplete, WARN where a person looks",
        ),
        ("id_company", "text", "Company the result is about; empty where it is about all"),
        ("line", "text", "Line of the reconciliation; empty where it is about none"),
        ("passed", "flag", "Whether what must be true is"),
        ("tested", "flag", "Whether there was anything to test; without it nothing passes"),
        ("figures", "text", "What was found, as JSON: keys sorted, amounts as text"),
        required=["asset", "check", "severity", "passed", "tested", "figures"],
    ),
)

CONTROL_EFFECTIVENESS = FrameSpec(
    name="control_effectiveness",
    title="Control effectiveness",
    description=(
        "Faults planted in small books of their own, drawn from the digest of the month's extracts, and what the loaded "
        "rules found of them. A row for each planted fault, and for each company in which nothing was planted"
    ),
    key=("kind", "line", "id_company"),
    amounts=("amount",),
    columns=columns(
        ("kind", "text", "Kind of the fault"),
        ("line", "text", "Line of the reconciliation it is on; empty where it is on none or all"),
        (
            "id_company",
            "text",
            "Company of the small books; empty for what was found and is of none of them",
        ),
        ("what", "text", "What was planted, in words"),
        ("amount", "amount", "Amount of the fault, LCY; empty where it has none"),
        ("planted", "flag", "Whether a fault was planted; in a sound company none was"),
        (
            "found",
            "flag",
            "Whether all was found that it must lead to; in a sound company, whether anything was",
        ),
        ("found_by", "text", "Checks, bridges and open items that found it"),
        ("missed_by", "text", "What ought to have been found, and was not"),
        ("beside", "text", "What was found in its company and is of no fault: a false alarm"),
        required=["kind", "id_company", "what", "planted", "found"],
    ),
)
DERIVED_FRAMES = (
    NAV_VOUCHER_ENTRIES,
    IPE_31_CLASSIFIED,
    CUSTOMER_POSTING_GROUP_BRIDGE,
    TIMING_DIFFERENCE_BRIDGE,
    VTC_ADJUSTMENT,
    BUSINESS_LINE_RECLASS,
    TARGET_VALUES,
    RECONCILIATION,
    VOUCHER_ACCRUAL_VARIANCE,
    GL_ROLL_FORWARD,
    OPEN_ITEM_MATCHES,
    OPEN_ITEMS,
    OPEN_ITEM_SUGGESTIONS,
    OPEN_ITEM_CHANGES,
)
