import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scoring.errors import BookError
from scoring.plan import Plan
from scoring.training.book import Book, read_book
from scoring.training.presets import PRESET_NAMES, read_preset, recognised
from tests.scoring.training.books import plan_of
from tests.shared_data import CRM_EXPORTS

SALESFORCE, HUBSPOT = (plan_of(book={"preset": name}) for name in ("salesforce", "hubspot"))

SF_ACCOUNTS = (
    "Id,IsDeleted,Name,Type,ParentId,BillingCountry,BillingCity,ShippingCountry,Website,Industry,"
    "NumberOfEmployees,AnnualRevenue,OwnerId,PhotoUrl,LastActivityDate,Segment__c,Region_Id__c\n"
    "001A000001LobbyIAB,false,Acme GmbH,Customer - Direct,,Germany,Bonn,Austria,https://acme.de,Media,50,1000,"
    "u1,/p1,2026-01-01,smb,r1\n"
    "001A000001Lobc0IAB,false,Beta Inc,Prospect,001A000001LobbyIAB,USA,,,beta.com,Retail,70,2000,"
    "u2,/p2,,ent,r2\n"
    "001A000001Lobc5IAB,true,Gone Ltd,Customer - Direct,,USA,,,gone.com,Retail,70,2000,u2,/p3,,ent,r3\n"
)
LEDGER = "account_id,start,mrr\n001A000001LobbyIAB,2025-01-01,100\n"
SF_DEALS = (
    "Id,AccountId,IsDeleted,Amount,CloseDate,CreatedDate,StageName,IsWon,IsClosed,Type,LeadSource\n"
    "006a,001A000001LobbyIAB,0,5000,2025-03-01,2025-01-01T10:00:00.000+0000,Signed,1,1,New Business,Web\n"
    "006b,001A000001LobbyIAB,0,,2025-03-01,2025-01-01T10:00:00.000+0000,Dropped,0,1,Existing Business,Web\n"
    "006c,001A000001Lobc0IAB,0,,2099-03-01,2025-01-01T10:00:00.000+0000,Demo,0,0,Renewal,\n"
    "006d,001A000001Lobc0IAB,1,,2025-03-01,2025-01-01T10:00:00.000+0000,Demo,0,0,,\n"
)


def read(folder: Path, plan: Plan, **files: str) -> Book:
    """Write files by name (two underscores stand for a dot) and read the book."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return read_book(folder, plan)


def opportunities(book: Book, *columns: str) -> list[tuple[object, ...]]:
    assert book.opportunities is not None
    return book.opportunities.select(columns).rows()


# Salesforce


def test_a_data_loader_export_is_read(tmp_path: Path) -> None:
    book = read(tmp_path, SALESFORCE, Account__csv=SF_ACCOUNTS, subscriptions__csv=LEDGER)
    assert book.accounts.select("account_id", "domain", "name", "status", "industry", "country").rows() == [
        ("001A000001LobbyIAB", "acme.de", "Acme GmbH", "customer", "media", "DE")
    ]
    assert book.prospects is not None
    assert book.prospects.select("account_id", "parent_id", "employees", "annual_revenue").rows() == [
        ("001A000001Lobc0IAB", "001A000001LobbyIAB", 70.0, 2000.0)
    ]
    assert {attribute.name for attribute in book.attributes} == {
        *("industry", "employees", "annual_revenue", "country", "city", "Segment__c"),
    }
    assert book.ignored["OwnerId"] == book.ignored["Region_Id__c"] == "Salesforce's own bookkeeping"
    assert book.ignored["ShippingCountry"] == "read as country from BillingCountry already"
    assert "Account.csv: 1 rows left out, as they are deleted in the CRM (IsDeleted)" in book.notes


def test_the_flags_say_how_an_opportunity_ended_before_its_stage_does(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        SALESFORCE,
        Account__csv=SF_ACCOUNTS,
        subscriptions__csv=LEDGER,
        Opportunity__csv=SF_DEALS,
    )
    assert opportunities(book, "opportunity_id", "outcome", "closed", "type", "source") == [
        ("006a", "won", date(2025, 3, 1), "new", "web"),
        ("006b", "lost", date(2025, 3, 1), "expansion", "web"),
        ("006c", "open", None, "renewal", None),
    ]


def test_a_report_is_read_by_its_labels_and_its_short_ids(tmp_path: Path) -> None:
    deals = "Opportunity ID,Account ID,Created Date,Close Date,Stage\n"
    book = read(
        tmp_path,
        SALESFORCE,
        accounts__csv="Account ID,Account Name\n001A000001Lobby,Acme\n001A000001Lobc0,Beta\n",
        subscriptions__csv=LEDGER,
        opportunities__csv=deals + "006a,001A000001Lobby,1/31/2025,2/1/2025,Closed Won\n"
        "006b,001A000001Lobc0,1/31/2025,2/1/2025,Closed Lost\n006c,001A000001Lobc0,1/31/2025,2/1/2025,Demo\n",
    )
    assert book.accounts["account_id"].to_list() == ["001A000001LobbyIAB"]
    assert book.subscriptions is not None
    assert book.subscriptions.height == 1
    assert [row[0] for row in opportunities(book, "outcome")] == ["won", "lost", "open"]


def test_the_plan_goes_before_the_preset(tmp_path: Path) -> None:
    accounts = SF_ACCOUNTS.replace("Region_Id__c", "Billing_Number__c")
    plan = plan_of(
        book={"preset": "salesforce"},
        files={"accounts": {"path": "mine.csv"}},
        columns={"accounts": {"account_id": "Billing_Number__c", "country": "ShippingCountry"}},
        attributes={"keep": ["PhotoUrl"]},
    )
    ledger = "account_id,start,mrr\nr1,2025-01-01,100\n"
    book = read(
        tmp_path,
        plan,
        mine__csv=accounts,
        Account__csv="",
        subscriptions__csv=ledger,
        Opportunity__csv=SF_DEALS,
    )
    assert book.accounts.select("account_id", "crm_id").rows() == [("r1", "001A000001LobbyIAB")]
    assert "PhotoUrl" in {attribute.name for attribute in book.attributes}
    assert "PhotoUrl" not in book.ignored
    assert [row[0] for row in opportunities(book, "account_id")] == ["r1", "r1", "r2"]


def test_two_files_of_one_object_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"holds both Account\.csv and sf_account\.csv"):
        read(tmp_path, SALESFORCE, Account__csv=SF_ACCOUNTS, sf_account__csv=SF_ACCOUNTS)


def test_the_names_of_an_export_are_recognised_and_its_preset_is_named(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r'those of HubSpot exports: write \[book\] preset = "hubspot"'):
        read(tmp_path, Plan(), company_data__csv="id\n1\n")
    assert recognised(tmp_path) == "hubspot"


# HubSpot


def test_an_export_of_the_user_interface_is_read(tmp_path: Path) -> None:
    companies = (
        "Record ID,Company name,Company Domain Name,Industry,Annual Revenue,Number of Employees,"
        "Country/Region,Lifecycle Stage,Company owner,Recent Deal Amount,Last Activity Date\n"
        "11,Acme,acme.com,Media,1000,50,Germany,Customer,Jo,5,2026-01-01\n"
        "12,Beta,beta.com,Retail,2000,60,France,Lead,Jo,,\n"
    )
    deals = (
        "Record ID,Deal Name,Deal Stage,Create Date,Close Date,Amount,Deal Type,Associated Company IDs\n"
        "91,One,Closed won (Sales Pipeline),2025-01-01 10:00,2025-02-01 09:00,500,New Business,11;12\n"
        "92,Two,Closed lost (Sales Pipeline),2025-01-01 10:00,2025-02-01 09:00,,Existing Business,12\n"
        "93,Three,Qualified to buy (Sales Pipeline),2025-01-01 10:00,2025-09-01 09:00,,,12\n"
    )
    contacts = "Record ID,First Name,Last Name,Email,Job Title,Phone Number\n1,Jo,Doe,jo@beta.com,CFO,555\n"
    book = read(
        tmp_path,
        HUBSPOT,
        subscriptions__csv="account_id,start,mrr\n11,2025-01-01,5\n",
        **{
            "hubspot-crm-exports-all-companies-2026-01-01__csv": companies,
            "hubspot-crm-exports-all-deals-2026-01-01__csv": deals,
            "hubspot-crm-exports-all-contacts-2026-01-01__csv": contacts,
        },
    )
    assert book.accounts.select("account_id", "domain", "employees", "country").rows() == [
        ("11", "acme.com", 50.0, "DE")
    ]
    assert book.prospects is not None
    assert book.prospects.select("account_id", "status").rows() == [("12", "prospect")]
    assert opportunities(book, "account_id", "outcome", "closed", "type") == [
        ("11", "won", date(2025, 2, 1), "new"),
        ("12", "lost", date(2025, 2, 1), "expansion"),
        ("12", "open", None, None),
    ]
    assert book.ignored["Recent Deal Amount"] == "HubSpot's own bookkeeping"
    assert any("1 rows name several companies; the first counts (account_id)" in note for note in book.notes)
    assert book.contacts is not None
    assert book.contacts.select("account_id", "name", "title", "gaps").rows() == [("12", "Jo Doe", "cfo", "")]


def test_a_connectors_tables_are_read_with_their_companies_and_stages(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        HUBSPOT,
        subscriptions__csv="account_id,start,mrr\n11,2025-01-01,5\n12,2025-01-01,5\n",
        company_data__csv=(
            "id,is_deleted,_fivetran_synced,property_name,property_industry,property_country,property_hs_score,"
            "property_tier\n"
            "11,false,2026,Acme,media,Germany,1,gold\n12,FALSE,2026,Beta,retail,France,2,silver\n13,TRUE,2026,X,y,z,3,w\n"
        ),
        deal_data__csv=(
            "deal_id,is_deleted,deal_pipeline_stage_id,property_createdate,property_closedate,property_amount\n"
            "91,false,closedwon,2025-01-01,2025-02-01,500\n92,false,4711,2025-01-01,2025-02-01,\n"
            "93,false,815,2025-01-01,,\n94,false,999,2025-01-01,,\n95,false,closedwon,2025-01-01,,\n"
        ),
        deal_company_data__csv=(
            "company_id,deal_id,type_id,category\n12,91,341,H\n11,91,5,H\n12,92,341,H\n11,93,341,H\n11,94,5,H\n"
        ),
        deal_pipeline_stage__csv="stage_id,label\n4711,Lost to a rival\n815,Demo\n",
    )
    assert opportunities(book, "opportunity_id", "account_id", "outcome") == [
        ("91", "11", "won"),
        ("92", "12", "lost"),
        ("93", "11", "open"),
    ]
    assert book.rejects.rows() == [
        ("opportunities", 5, "outcome", "is none of won, lost, open"),
        ("opportunities", 6, "account_id", "is missing"),
    ]
    assert {attribute.name for attribute in book.attributes} == {"industry", "country", "tier"}
    assert book.ignored["hs_score"] == "HubSpot's own bookkeeping"
    assert set(book.digests) >= {"deal_company_data.csv", "deal_pipeline_stage.csv"}


def test_a_lookup_without_its_columns_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        BookError, match=r"deal_company\.csv has no column company_id.*Its columns: deal_id, firm"
    ):
        read(
            tmp_path,
            HUBSPOT,
            company__csv="id\n1\n",
            deal__csv="deal_id,dealstage,createdate\n1,closedwon,2025-01-01\n",
            deal_company__csv="deal_id,firm\n1,1\n",
        )


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_a_preset_maps_only_columns_that_a_table_can_have(name: str) -> None:
    from scoring.training.columns import COLUMNS, COMPANY_TABLES

    preset = read_preset(name)
    for table, columns in preset.columns.items():
        if table not in COMPANY_TABLES:
            assert set(columns) <= set(COLUMNS[table])
    assert {lookup.column for lookup in preset.lookup} <= {"account_id", "stage"}


# Exports made by others


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "companies", "first"), [("salesforce", 1, "0015500000Xyy06AAB"), ("hubspot", 24, "2182162682")]
)
def test_real_exports_are_read_beside_a_ledger(tmp_path: Path, name: str, companies: int, first: str) -> None:
    folder = shutil.copytree(CRM_EXPORTS / name, tmp_path / name)
    plan = plan_of(book={"preset": name})
    with pytest.raises(BookError, match="neither subscriptions nor invoices"):
        read_book(folder, plan)
    (folder / "subscriptions.csv").write_text(f"account_id,start,mrr\n{first},2025-01-01,5\n")
    book = read_book(folder, plan)
    assert book.accounts["account_id"].to_list() == [first]
    assert book.prospects is not None
    assert book.accounts.height + book.prospects.height == companies
    assert book.subscriptions is not None
    assert book.subscriptions.height == 1
    assert book.opportunities is not None
    assert book.contacts is not None
    assert not {attribute.name for attribute in book.attributes} & set(book.ignored)
    assert {attribute.name for attribute in book.attributes} <= {"industry", "country", "city"}


@pytest.mark.shared_data
def test_every_column_of_a_real_export_is_read_or_named() -> None:
    for name, file in (("salesforce", "sf_account_data.csv"), ("hubspot", "company_data.csv")):
        preset = read_preset(name)
        columns = pl.read_csv(CRM_EXPORTS / name / file, infer_schema=False).columns
        mapping = preset.mapping("accounts", columns, {})
        none = preset.no_attributes("accounts", columns, mapping)
        described = {"account_source", "ownership", "rating"} if name == "salesforce" else set()
        ours = {theirs: our for our, theirs in mapping.items()}
        assert {ours.get(column, column) for column in columns} == set(mapping) | set(none) | described
