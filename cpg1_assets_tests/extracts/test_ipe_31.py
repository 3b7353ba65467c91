"""Collection accounts: the four sets of open items, each in and out, and the partner's particulars."""

from datetime import date, datetime
from typing import Any

import pytest

from cpg1_assets.extracts.scope import read_scope
from cpg1_assets_tests.extracts.source_tables import LAST_MOMENT, MIDNIGHT, Row, SourceTables, at, by, money


@pytest.fixture(name="tables")
def _tables() -> SourceTables:
    return SourceTables()


def _transaction(tables: SourceTables, entity: str, **changes: Any) -> None:  # noqa: ANN401
    row: Row = {
        "ID_Company": "EC_NG",
        "Transaction_Type": "Delivery",
        "Related_Entity": entity,
        "Collection_Partner": "DHL",
        "Created_Date": at("2025-09-10 10:00"),
        "Amount": money("10"),
    }
    tables.put("RPT_CASHREC_TRANSACTION", row | changes)


def _deposit(tables: SourceTables, number: str, **changes: Any) -> None:  # noqa: ANN401
    row: Row = {
        "ID_Company": "EC_NG",
        "OMS_Payment_No": number,
        "OMS_Type": "Payment",
        "OMS_Payment_Date": at("2025-09-05"),
        "OMS_Payment_Status": "inProgress",
        "OMS_Payment_Amount": money("100"),
        "OMS_Charges_Amount": money("5"),
        "OMS_Collection_Partner": "DHL",
    }
    tables.put("RPT_CASHDEPOSIT", row | changes)


def _packlist(tables: SourceTables, number: str, **changes: Any) -> None:  # noqa: ANN401
    row: Row = {
        "ID_Company": "EC_NG",
        "OMS_Packlist_No": number,
        "OMS_Packlist_Status": "inProgress",
        "OMS_Packlist_Created_Date": at("2025-09-07"),
        "OMS_Collection_Partner_Name": "DHL",
        "OMS_Amount_Received": money("50"),
        "OMS_Payment_No": "D",
        "OMS_Payment_Date": at("2025-09-08"),
        "OMS_Payment_Reconciled_Amount": money("20"),
        "OMS_Payment_Charges_Reconciled_Amount": money("1"),
    }
    tables.put("RPT_PACKLIST_PAYMENTS", row | changes)


def _amounts(rows: list[Row]) -> dict[str, Any]:
    return {entity: row["amount"] for entity, row in by(rows, "related_entity").items()}


# 1. Open transactions


def test_open_transactions_happen_by_the_cutoff_and_are_not_zero(tables: SourceTables) -> None:
    _transaction(tables, "1", Created_Date=LAST_MOMENT)
    _transaction(tables, "2", Created_Date=MIDNIGHT)
    _transaction(tables, "3", Amount=money("0"))
    _transaction(tables, "4", Amount=None)
    _transaction(tables, "5", Amount=money("-3"))
    _transaction(tables, "6", ID_Company="XX_US")
    rows = tables.extract("ipe_31")
    assert _amounts(rows) == {"1": money("10"), "5": money("-3")}
    assert {row["closing_date"] for row in rows} == {date(2025, 9, 30)}


@pytest.mark.parametrize(
    "kind",
    [
        "Payment",
        " payment ",
        "Collection Adjustment (over)",
        "Collection Adjustment (under)",
        "PAYMENT CHARGES",
        "Reallocation From",
        "Transfer From",
        "Payment Charges Rev",
    ],
)
def test_excluded_types_are_not_open_transactions(tables: SourceTables, kind: str) -> None:
    _transaction(tables, "1", Transaction_Type=kind)
    assert tables.extract("ipe_31") == []


def test_other_types_stay_also_a_missing_one(tables: SourceTables) -> None:
    for kind in ("Refund", "Payment - Rev", "Reallocation To", None):
        _transaction(tables, str(kind), Transaction_Type=kind)
    assert set(_amounts(tables.extract("ipe_31"))) == {"Refund", "Payment - Rev", "Reallocation To", "None"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Transfer to", at("2025-09-11")),
        (" TRANSFER TO", at("2025-09-11")),
        ("Third Party Collection", at("2025-09-12")),
        ("Payment - Rev", at("2025-09-13")),
        ("Delivery", at("2025-09-10 10:00")),
    ],
)
def test_what_settles_with_a_deposit_happens_when_the_deposit_does(
    tables: SourceTables, kind: str, expected: datetime
) -> None:
    closed: Row = {"OMS_Payment_Status": "cancelled"}
    _deposit(tables, "D", OMS_Type="transfer ", OMS_Payment_Date=at("2025-09-11"), **closed)
    reversal: Row = {"payment_reversal_date": at("2025-09-13")}
    _deposit(tables, "D", OMS_Payment_Date=at("2025-09-12"), **closed, **reversal)
    _deposit(tables, "D", ID_Company="JD_GH", OMS_Payment_Date=at("2025-09-14"), **closed)
    _transaction(tables, "D", Transaction_Type=kind)
    _transaction(tables, "no deposit", Transaction_Type=kind)
    rows = by(tables.extract("ipe_31"), "related_entity")
    assert rows["D"]["event_date"] == expected
    assert rows["no deposit"]["event_date"] == at("2025-09-10 10:00")


def test_a_deposit_after_the_cutoff_moves_its_transaction_out_and_one_before_it_in(
    tables: SourceTables,
) -> None:
    _deposit(tables, "1", OMS_Type="Transfer", OMS_Payment_Date=MIDNIGHT)
    _deposit(tables, "2", OMS_Type="Transfer", OMS_Payment_Date=LAST_MOMENT, OMS_Payment_Status="new")
    _transaction(tables, "1", Transaction_Type="Transfer to")
    _transaction(tables, "2", Transaction_Type="Transfer to", Created_Date=MIDNIGHT)
    (row,) = tables.extract("ipe_31")
    assert (row["related_entity"], row["event_date"]) == ("2", LAST_MOMENT)


@pytest.mark.parametrize(
    ("status", "reconciled", "listed", "is_open"),
    [
        (None, None, MIDNIGHT, True),  # on a list of the next month
        (None, None, LAST_MOMENT, False),
        (None, None, None, False),
        ("waitingApproval", None, at("2025-09-15"), True),
        (" WAITINGAPPROVAL ", "20", at("2025-09-15"), True),
        ("waitingConfirmation", None, at("2025-09-15"), True),
        ("waitingConfirmation", "0", at("2025-09-15"), True),
        ("waitingConfirmation", "20", at("2025-09-15"), False),
        ("waitingConfirmation", "-20", at("2025-09-15"), False),  # paid back is reconciled too
        ("inProgress", None, at("2025-09-15"), False),
        ("closed", None, at("2025-09-15"), False),
    ],
)
def test_a_transaction_on_a_list_is_open_while_the_list_waits(
    tables: SourceTables,
    *,
    status: str | None,
    reconciled: str | None,
    listed: datetime | None,
    is_open: bool,
) -> None:
    if status is not None:
        package: Row = {"ID_Company": "EC_NG", "OMS_Packlist_No": "L", "OMS_Packlist_status": status}
        tables.put("RPT_PACKLIST_PACKAGES", package, package)  # a packlist has many packages
    if reconciled is not None:
        # With a reconciled payment means at any date; the status keeps it out of the lists in progress.
        late: Row = {"OMS_Payment_Date": at("2026-01-01"), "OMS_Payment_Charges_Reconciled_Amount": None}
        paid = money(reconciled)
        _packlist(tables, "L", OMS_Packlist_Status="new", OMS_Payment_Reconciled_Amount=paid, **late)
    _transaction(tables, "1", Transaction_List_Nr="L", Transaction_List_Date=listed)
    assert set(_amounts(tables.extract("ipe_31"))) == ({"1"} if is_open else set())


# 2. Reallocations


def test_what_was_reallocated_after_the_cutoff_goes_back_to_its_partner(tables: SourceTables) -> None:
    def put(entity: str, original: datetime, reallocated: datetime | None, company: str = "EC_NG") -> None:
        tables.put(
            "RPT_CASHREC_REALLOCATIONS",
            {
                "ID_Company": company,
                "Transaction_type": "Delivery",
                "Related_Entity": entity,
                "Collection_Partner_From": "UPS",
                "Original_Transaction_date": original,
                "Reallocated_Transaction_Date": reallocated,
                "Amount": money("4"),
            },
        )

    put("1", LAST_MOMENT, MIDNIGHT)
    put("2", MIDNIGHT, MIDNIGHT)
    put("3", at("2025-09-01"), LAST_MOMENT)
    put("4", at("2025-09-01"), None)
    put("5", at("2025-09-01"), MIDNIGHT, "XX_US")
    (row,) = tables.extract("ipe_31")
    assert (row["related_entity"], row["event_date"], row["amount"]) == ("1", LAST_MOMENT, money("4"))
    assert (row["collection_partner"], row["transaction_type"]) == ("UPS", "Delivery")


# 3. Transaction lists in progress


def test_a_list_in_progress_is_what_was_received_less_what_was_paid_by_the_cutoff(
    tables: SourceTables,
) -> None:
    _packlist(tables, "1", OMS_Payment_Date=LAST_MOMENT)
    _packlist(tables, "1", OMS_Payment_Date=MIDNIGHT, OMS_Payment_Reconciled_Amount=money("29"))
    _packlist(tables, "1", OMS_Payment_No=None, OMS_Payment_Date=None, OMS_Payment_Reconciled_Amount=None)
    (row,) = tables.extract("ipe_31")
    assert (row["transaction_type"], row["related_entity"]) == ("Translist in progress", "1")
    assert (row["amount"], row["event_date"], row["collection_partner"]) == (
        money("29"),
        at("2025-09-07"),
        "DHL",
    )


def test_lists_in_progress_by_date_status_payment_and_remainder(tables: SourceTables) -> None:
    _packlist(tables, "1", OMS_Packlist_Created_Date=LAST_MOMENT, OMS_Payment_Date=MIDNIGHT)
    _packlist(tables, "2", OMS_Packlist_Created_Date=MIDNIGHT, OMS_Payment_Date=MIDNIGHT)
    _packlist(tables, "3", OMS_Packlist_Status=" CLOSED ")
    _packlist(tables, "4", OMS_Packlist_Status="waitingConfirmation")
    _packlist(tables, "5", OMS_Packlist_Status="waitingApproval")
    _packlist(tables, "6", OMS_Packlist_Status=None)
    nothing: Row = {"OMS_Payment_Reconciled_Amount": None, "OMS_Payment_Charges_Reconciled_Amount": None}
    _packlist(tables, "7", OMS_Payment_No=None, OMS_Payment_Date=None, **nothing)
    _packlist(tables, "8", OMS_Payment_Reconciled_Amount=money("49"))  # nothing remains
    _packlist(tables, "9", OMS_Payment_Reconciled_Amount=money("60"))
    _packlist(tables, "10", OMS_Amount_Received=None)
    _packlist(tables, "11", ID_Company="XX_US")
    _packlist(tables, "12", OMS_Payment_Reconciled_Amount=None)  # charges alone were reconciled
    assert _amounts(tables.extract("ipe_31")) == {
        "1": money("50"),
        "3": money("29"),
        "4": money("29"),
        "12": money("49"),
    }


@pytest.mark.parametrize(
    ("kind", "forced", "closed", "is_there"),
    [
        ("packlist", True, LAST_MOMENT, False),
        (" PackList ", True, None, False),
        ("Packlist", True, MIDNIGHT, True),
        ("Packlist", False, LAST_MOMENT, True),
        ("Packlist", None, LAST_MOMENT, True),
        ("Payment", True, LAST_MOMENT, True),
        (None, True, LAST_MOMENT, True),
    ],
)
def test_lists_closed_by_force_are_gone(
    tables: SourceTables, *, kind: str | None, forced: bool | None, closed: datetime | None, is_there: bool
) -> None:
    _packlist(tables, "1")
    row: Row = {"ID_Company": "EC_NG", "OMS_entity_No": "1", "OMS_Entity_Type": kind}
    tables.put("RPT_COLLECTIONADJ", row | {"OMS_Force_Closed": forced, "OMS_Close_Date": closed})
    assert bool(tables.extract("ipe_31")) is is_there


# 4. Payments and transfers in progress


def test_a_deposit_in_progress_is_owed_back_less_what_packlists_took_by_the_cutoff(
    tables: SourceTables,
) -> None:
    _deposit(tables, "D", OMS_Payment_Date=LAST_MOMENT)
    done: Row = {"OMS_Amount_Received": money("1")}
    _packlist(tables, "1", OMS_Payment_Date=LAST_MOMENT, **done)
    _packlist(tables, "2", OMS_Payment_Date=MIDNIGHT, **done)
    _packlist(tables, "3", OMS_Packlist_Created_Date=MIDNIGHT, **done)
    _packlist(tables, "4", OMS_Packlist_Status="waitingApproval", **done)
    _packlist(tables, "5", ID_Company="JD_GH", **done)
    _packlist(tables, "6", OMS_Packlist_Status="closed", OMS_Payment_Reconciled_Amount=None, **done)
    rows = by(tables.extract("ipe_31"), "related_entity")
    assert rows["D"]["amount"] == money("-83")
    assert (rows["D"]["transaction_type"], rows["D"]["event_date"]) == ("Payment", LAST_MOMENT)


def test_deposits_by_date_status_and_remainder(tables: SourceTables) -> None:
    _deposit(tables, "1", OMS_Payment_Date=MIDNIGHT)
    _deposit(tables, "2", OMS_Payment_Status="Closed ", OMS_Type="Transfer")
    _deposit(tables, "3", OMS_Payment_Status="waitingConfirmation", OMS_Charges_Amount=None)
    _deposit(tables, "4", OMS_Payment_Status="cancelled")
    _deposit(tables, "5", OMS_Payment_Status=None)
    _deposit(tables, "6", OMS_Payment_Amount=money("-5"))  # nothing remains
    _deposit(tables, "7", OMS_Payment_Amount=money("-6"))
    _deposit(tables, "8", ID_Company="XX_US")
    _deposit(tables, "D", OMS_Payment_Amount=money("16"))  # taken in full by the packlist
    _packlist(tables, "9", OMS_Amount_Received=money("21"))
    assert _amounts(tables.extract("ipe_31")) == {"2": money("-105"), "3": money("-100")}


@pytest.mark.parametrize(
    ("kind", "closed", "is_there"),
    [
        ("Payment", LAST_MOMENT, False),
        ("Transfer", LAST_MOMENT, False),
        (None, LAST_MOMENT, False),
        ("Payment", MIDNIGHT, True),
        ("Payment", None, True),
        (" PACKLIST", LAST_MOMENT, True),
    ],
)
def test_deposits_closed_by_an_adjustment_are_gone(
    tables: SourceTables, *, kind: str | None, closed: datetime | None, is_there: bool
) -> None:
    _deposit(tables, "1")
    row: Row = {
        "ID_Company": "EC_NG",
        "OMS_entity_No": "1",
        "OMS_Entity_Type": kind,
        "OMS_Close_Date": closed,
    }
    tables.put("RPT_COLLECTIONADJ", row)
    assert bool(tables.extract("ipe_31")) is is_there


# All sets


def test_rows_with_the_same_key_are_all_kept(tables: SourceTables) -> None:
    _transaction(tables, "1")
    _transaction(tables, "1")
    assert len(tables.extract("ipe_31")) == 2


def test_partners_are_described_by_name_once_each_and_none_by_account_10058(tables: SourceTables) -> None:
    _transaction(tables, "1", Collection_Partner=" dhl ")
    _transaction(tables, "2", Collection_Partner="unknown")
    hub: Row = {"ID_COMPANY": "EC_NG", "NODE": "DHL"}
    tables.put("RPT_HUBS_3PL_MAPPING", *(hub | {"SERVICE_PROVIDER": name} for name in ("b", "B", None)))
    partner: Row = {"ID_Company": "EC_NG", "Name": "DHL", "ERP_Name": "SP1"}
    tables.put("RPT_COLLECTIONPARTNERS", partner | {"Type": "3PL"}, partner | {"Type": "Hub"})
    accounts = {"B0": ("SP1", "CASH"), "B2": ("sp1 ", "GB"), "B10": ("SP1", "GA"), "B3": ("SP2", "GA")}
    for number, (provider, group) in accounts.items():
        account: Row = {"id_company": "EC_NG", "No_": number, "Service Provider No_": provider}
        tables.put("Bank Accounts", account | {"Bank Account Posting Group": group})
    for code, gl_account in (("CASH", "10058"), ("GA", "10011"), ("GB", "10012")):
        tables.put(
            "Bank Account Posting Group",
            {"id_company": "EC_NG", "Code": code, "G_L Bank Account No_": gl_account},
        )
    rows = by(tables.extract("ipe_31"), "related_entity")
    names = ("service_provider", "partner_type", "erp_name", "gl_bank_account_no", "company_country")
    assert [rows["1"][name] for name in names] == ["B", "3PL", "SP1", "10011", "NG"]
    assert [rows["2"][name] for name in names] == [None, None, None, None, "NG"]
    assert tables.several_matches("ipe_31") == {
        "company": 0,
        "service provider": 1,
        "collection partner": 1,
        "bank account": 1,
    }


def test_countries_can_be_excluded_and_a_company_without_a_country_stays(tables: SourceTables) -> None:
    tables.put("Dim_Company", {"Company_Code": "NO_WHERE", "Flg_In_Conso_Scope": True})
    for company in ("EC_NG", "JD_GH", "NO_WHERE"):
        _transaction(tables, company, ID_Company=company)
    assert set(_amounts(tables.extract("ipe_31"))) == {"EC_NG", "JD_GH", "NO_WHERE"}
    without = read_scope().model_copy(update={"excluded_countries": ("NG",)})
    assert set(_amounts(tables.extract("ipe_31", scope=without))) == {"JD_GH", "NO_WHERE"}


def _shown(tables: SourceTables) -> list[tuple[str, str]]:
    return [(row["ambiguous"], row["number"].strip()) for row in tables.ambiguities("ipe_31")]


def test_a_deposit_with_two_dates_is_shown_where_a_transaction_settles_with_it(tables: SourceTables) -> None:
    _transaction(tables, "D1 ", Transaction_Type="Third Party Collection")
    _deposit(tables, "D1", OMS_Payment_Status="cancelled")
    assert _shown(tables) == []
    _deposit(tables, "D1", OMS_Payment_Status="cancelled", OMS_Payment_Date=at("2025-09-06"))
    _deposit(
        tables, "D1", OMS_Payment_Status="cancelled", OMS_Type="Transfer", OMS_Payment_Date=at("2025-01-01")
    )
    _deposit(tables, "D2", OMS_Payment_Status="cancelled")
    _deposit(tables, "D2", OMS_Payment_Status="cancelled", OMS_Payment_Date=at("2025-09-06"))
    assert _shown(tables) == [("deposit date", "D1"), ("deposit date", "D1")]
    (row,) = tables.extract("ipe_31")
    assert row["event_date"] == at("2025-09-05")


def test_a_payment_reversed_in_one_row_and_not_in_another_is_shown(tables: SourceTables) -> None:
    _transaction(tables, "D1", Transaction_Type="Payment - Rev")
    _deposit(tables, "D1", OMS_Payment_Status="cancelled", payment_reversal_date=at("2025-09-09"))
    _deposit(tables, "D1", OMS_Payment_Status="cancelled")
    assert _shown(tables) == [("deposit date", "D1"), ("deposit date", "D1")]


def test_two_deposits_of_one_number_are_shown_where_packlists_took_of_it(tables: SourceTables) -> None:
    _deposit(tables, "D")
    _deposit(tables, "D ", OMS_Type="Transfer")
    assert _shown(tables) == []
    _packlist(tables, "K")
    assert _shown(tables) == [("deposit number", "D"), ("deposit number", "D")]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"OMS_Payment_No": "E"}, False),
        ({"OMS_Packlist_Status": " INPROGRESS "}, False),
        ({"OMS_Amount_Received": money("50.00")}, False),
        ({"OMS_Amount_Received": money("51")}, True),
        ({"OMS_Packlist_Created_Date": at("2025-09-06")}, True),
        ({"OMS_Packlist_Status": "cancelled"}, True),
        ({"OMS_Collection_Partner_Name": "UPS"}, True),
    ],
)
def test_a_packlist_that_says_two_things_of_itself_is_shown(
    tables: SourceTables, changes: Row, *, shown: bool
) -> None:
    _packlist(tables, "K")
    _packlist(tables, "K ", **changes)
    assert _shown(tables) == ([("packlist", "K")] * 2 if shown else [])


def test_a_packlist_with_two_statuses_is_shown(tables: SourceTables) -> None:
    row: Row = {"ID_Company": "EC_NG", "OMS_Packlist_No": "K"}
    tables.put(
        "RPT_PACKLIST_PACKAGES",
        row | {"OMS_Packlist_status": "closed"},
        row | {"OMS_Packlist_status": "Closed "},
    )
    assert _shown(tables) == []
    tables.put("RPT_PACKLIST_PACKAGES", row | {"OMS_Packlist_status": "waitingApproval"})
    assert {shown for shown, _ in _shown(tables)} == {"packlist status"}


def test_a_company_under_two_countries_stays_while_one_of_them_is_not_excluded(tables: SourceTables) -> None:
    _transaction(tables, "T")
    tables.put("Dim_Company", {"Company_Code": "EC_NG ", "Company_Country": "AA", "Flg_In_Conso_Scope": 1})
    for excluded, left in ((("AA",), ["NG"]), (("NG",), ["AA"]), (("NG", "AA"), [])):
        scope = read_scope().model_copy(update={"excluded_countries": excluded})
        assert [row["company_country"] for row in tables.extract("ipe_31", scope=scope)] == left


def test_numbers_of_lists_deposits_and_partners_are_found_whatever_blanks_end_them(
    tables: SourceTables,
) -> None:
    _deposit(tables, "D1 ", OMS_Payment_Amount=money("100"), OMS_Charges_Amount=None)
    _packlist(tables, "K1", OMS_Payment_No="D1", OMS_Amount_Received=money("30"))
    _packlist(tables, "K1  ", OMS_Payment_No="D1  ", OMS_Amount_Received=money("30"), ID_Company="EC_NG ",
              OMS_Payment_Reconciled_Amount=money("4"), OMS_Payment_Charges_Reconciled_Amount=None)  # fmt: skip
    rows = by(tables.extract("ipe_31"), "transaction_type")
    assert rows["Payment"]["amount"] == money("-75")
    assert (rows["Translist in progress"]["amount"], rows["Translist in progress"]["related_entity"]) == (
        money("5"),
        "K1",
    )
