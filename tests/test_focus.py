"""Usage as FOCUS rows: they add up to the page, say what is not known, and are read back as they were meant."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner

from tests.bill_rows import load_bill
from tests.copies import copied
from tests.engines import ON_BOTH_ENGINES
from tests.lake_rows import Row, commit
from tests.questions import of_lake, questions, varied_rows
from tests.test_bills_formats import focus_csv
from tests.views import days, request, view, write_lake
from usagecost.bills import VERSIONS, write_focus
from usagecost.bills.closes import read_closes
from usagecost.bills.closing import close_month
from usagecost.bills.monthly import month_statement
from usagecost.bills.reading import read_bill
from usagecost.cli import app
from usagecost.lake import Lake
from usagecost.periods import WHOLE
from usagecost.queries.tables import table as summed
from usagecost.schema import COST_PARTS
from usagecost.vocabulary.filters import Condition, View

MANDATORY = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
    "ServiceCategory", "ServiceName",
)  # fmt: skip
"""What FOCUS 1.2 demands of every file."""

SUMMED = {"Cache Read Tokens": "cache_read_tokens", "Cache Write Tokens": "cache_write_tokens", "Output Tokens": "output_tokens"}
"""Meter -> the metric of the page that is the same."""

PRICED = {
    "provider": "openai", "model": "gpt-4o", "price_id": "openai/gpt-4o@2024-10-01", "price_status": "discount",
    "discount": Decimal("0.2"), "input_tokens": 1_000, "cache_read_tokens": 400, "output_tokens": 100,
    "list_cost_usd": Decimal("0.0024"), "input_cost_usd": Decimal("0.0012"), "cache_read_cost_usd": Decimal("0.0004"),
    "cache_write_cost_usd": Decimal(0), "output_cost_usd": Decimal("0.0008"), "other_cost_usd": Decimal(0),
}  # fmt: skip
"""600 input tokens at $2.50 a million, 400 cached ones at $1.25 and 100 output tokens at $10, less a fifth."""


def written(asked: View, version: str = "1.2", zone: str = "UTC") -> list[Row]:
    """The rows of a view, as they stand in a Parquet file."""
    file = Path(asked.lake).parent / "focus.parquet"
    write_focus(asked, version, file, "parquet", zone=zone)
    return pq.read_table(file).to_pylist()


def lake_of(tmp_path: Path, *rows: Row) -> View:
    return view(write_lake(tmp_path / "lake", rows), days("2026-05-01", "2026-05-03"))


def cells(rows: list[Row], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]


def usd(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


def test_a_discounted_request_is_a_row_for_each_kind_of_token(tmp_path: Path):
    rows = written(lake_of(tmp_path, request(**PRICED), request(**PRICED)))

    found = cells(rows, "SkuMeter", "ConsumedQuantity", "ListCost", "ListUnitPrice", "ContractedCost", "BilledCost")
    assert found == [
        ("Input Tokens", 1_200, *usd("0.003", "2.5", "0.0024", "0.0024")),
        ("Cache Read Tokens", 800, *usd("0.001", "1.25", "0.0008", "0.0008")),
        ("Output Tokens", 200, *usd("0.002", "10", "0.0016", "0.0016")),
    ]
    assert cells(rows[:1], "ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd", "PricingQuantity") == [
        (*(datetime(2026, *day, tzinfo=UTC) for day in [(5, 1), (5, 2), (5, 1), (6, 1)]), Decimal("0.0012"))
    ]
    assert cells(rows[:1], "SkuId", "SkuPriceId", "x_CostBasis", "x_CostCoverage") == [
        ("openai/gpt-4o/input-tokens", "openai/gpt-4o@2024-10-01/input-tokens", "list", "exact")
    ]


@ON_BOTH_ENGINES
def test_a_reported_cost_is_spread_by_list_prices_and_where_there_are_none_a_row_of_its_own(tmp_path: Path):
    reported = {"reported_cost_usd": Decimal("0.000000007")}
    rows = written(lake_of(tmp_path, request(**PRICED, **reported), request(model="own", input_tokens=5, **reported)))

    assert cells(rows, "x_Model", "SkuMeter", "ConsumedQuantity", "BilledCost", "ListCost") == [
        ("gpt-4o", "Input Tokens", 600, *usd("0.000000004", "0.0015")),  # 3.5 of 7 billionths: the first of those that lost half
        ("gpt-4o", "Cache Read Tokens", 400, *usd("0.000000001", "0.0005")),
        ("gpt-4o", "Output Tokens", 100, *usd("0.000000002", "0.001")),
        ("own", "Input Tokens", 5, Decimal(0), None),
        ("own", "Requests", 1, Decimal("0.000000007"), None),
    ]


def test_what_is_not_known_is_empty_and_said(tmp_path: Path):
    unknown = request(provider="openai", model="new", price_status="unpriced", output_tokens=7)
    partial = request(**PRICED | {"price_status": "partial", "other_cost_usd": Decimal("0.01"), "list_cost_usd": Decimal("0.0124")})
    rows = written(lake_of(tmp_path, unknown, partial, request()))

    assert cells(rows, "x_Model", "SkuMeter", "ConsumedUnit", "BilledCost", "ListUnitPrice", "x_CostCoverage") == [
        ("gpt-4o", "Input Tokens", "Tokens", *usd("0.0012", "2.5"), "partial"),
        ("gpt-4o", "Cache Read Tokens", "Tokens", *usd("0.0004", "1.25"), "partial"),
        ("gpt-4o", "Output Tokens", "Tokens", *usd("0.0008", "10"), "partial"),
        ("gpt-4o", "Other", "Requests", *usd("0.01", "0.0125"), "partial"),
        ("new", "Output Tokens", "Tokens", None, None, "unpriced"),
        (None, "Requests", "Requests", None, None, "unpriced"),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_has_what_its_version_demands(tmp_path: Path, version: str):
    rows = written(lake_of(tmp_path, request(**PRICED)), version)

    gone, new = {"ProviderName", "PublisherName"}, {"ServiceProviderName", "HostProviderName", "InvoiceDetailId"}
    demanded, absent = ({*MANDATORY}, new) if version == "1.2" else ({*MANDATORY} - gone | new, gone)
    assert (demanded - rows[0].keys(), absent & rows[0].keys()) == (set(), set())
    for row in rows:
        empty = {name for name in demanded if row[name] is None}
        assert empty == {"ChargeClass"} | ({"InvoiceDetailId"} & demanded)
        assert (row["ChargeCategory"], row["BillingCurrency"]) == ("Usage", "USD")
        assert (row["ServiceCategory"], row["ServiceSubcategory"]) == ("AI and Machine Learning", "Generative AI")


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Varied requests of which most list costs have parts, some do not add up, and prices are known for all, a part or nothing."""
    random = Random(11)

    def with_parts(row: Row) -> Row:
        nanos = [random.choice([0, 1, random.randrange(10**9)]) for _ in COST_PARTS]
        if row["list_cost_usd"] is None or random.random() < 0.3:
            return row
        parts = {name: Decimal(part).scaleb(-9) for name, part in zip(COST_PARTS, nanos, strict=True)}
        status, discount = random.choice(["exact", "partial"]), random.choice([None, Decimal("0.07"), Decimal(1)])
        rest = random.choice([Decimal(0), Decimal("0.000000003")])
        return row | parts | {"list_cost_usd": sum(parts.values()) + rest, "price_status": status, "discount": discount}

    return write_lake(tmp_path_factory.mktemp("parted") / "lake", map(with_parts, varied_rows()))


@ON_BOTH_ENGINES
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=questions())
def test_rows_add_up_to_the_page(parted: str, tmp_path: Path, question: View):
    asked = of_lake(question, parted)
    asked = replace(asked, basis="best", interval=WHOLE, period=replace(asked.period, zone="UTC"))
    file = tmp_path / "focus.parquet"
    write_focus(asked, "1.4", file, "parquet")
    rows, totals = pq.read_table(file).to_pylist(), summed(asked, None, ["spend_usd", *SUMMED.values()])[0]

    costs = [row["BilledCost"] for row in rows if row["BilledCost"] is not None]
    assert (sum(costs) if costs else None) == totals["spend_usd"]
    assert all((row["BilledCost"] is None) == (row["x_CostCoverage"] == "unpriced") for row in rows)
    tokens: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        tokens[row["SkuMeter"]] += row["ConsumedQuantity"] or 0
        for kind in ("List", "Contracted"):
            if row[f"{kind}UnitPrice"] is not None:
                product = row[f"{kind}UnitPrice"] * row["PricingQuantity"]
                assert abs(product - row[f"{kind}Cost"]) <= Decimal("0.000000001")
    for meter, name in SUMMED.items():
        assert tokens[meter] == (totals[name] or 0)


BILL = {
    "BilledCost": "0", "BillingCurrency": "USD", "ChargeCategory": "Usage", "ProviderName": "openai", "BillingAccountId": "org-1",
    "ChargePeriodStart": "2026-05-01T00:00:00Z", "ChargePeriodEnd": "2026-05-03T00:00:00Z", "ChargeDescription": "",
    "InvoiceId": "",
}  # fmt: skip


@copied
def loaded(lake: Lake) -> None:
    """Requests of two days beside a bill with a tax and a credit of both days, and usage."""
    commit(lake, request(**PRICED, team_id="=1+1", virtual_key="k1"), request("2026-05-02 23:59:59", **PRICED))
    lines = [
        BILL | {"ChargeCategory": "Tax", "BilledCost": "0.19", "ChargeDescription": "VAT", "InvoiceId": "7"},
        BILL | {"ChargeCategory": "Credit", "BilledCost": "-0.05"},
        BILL | {"BilledCost": "9"},
        BILL | {"ChargeCategory": "Purchase", "BilledCost": "100"},
    ]
    (lake.root.parent / "bill.csv").write_text(focus_csv(*lines))
    load_bill(lake, lake.root.parent / "bill.csv")


@pytest.fixture
def billed(loaded: Lake) -> View:
    return view(loaded.name, days("2026-05-01", "2026-05-03"))


def test_taxes_and_credits_of_bills_are_rows_of_the_day_on_which_they_begin(billed: View):
    rows = [row for row in written(billed) if row["ChargeCategory"] != "Usage"]

    assert cells(rows, "ChargeCategory", "ChargeDescription", "BilledCost", "ChargePeriodEnd", "InvoiceId", "SkuId") == [
        ("Tax", "VAT", Decimal("0.19"), datetime(2026, 5, 3, tzinfo=UTC), "7", None),
        ("Credit", "Credit of openai", Decimal("-0.05"), datetime(2026, 5, 3, tzinfo=UTC), None, None),
    ]
    last_day = replace(billed, period=days("2026-05-02"))
    of_model = billed.where(Condition("model", ("gpt-4o",)))
    assert {row["ChargeCategory"] for asked in (last_day, of_model) for row in written(asked)} == {"Usage"}


def test_a_closed_month_has_its_corrections_as_rows_and_adds_up_to_its_statement_whatever_is_loaded_later(tmp_path: Path):
    lake, zone, found = Lake(tmp_path / "lake"), "Europe/Berlin", {}
    listed: dict[str, Any] = {"provider": "openai", "model": "m", "team_id": "search", "price_status": "exact"}
    for month, day, *late in (
        (date(2026, 5, 1), "2026-05-12", ("2026-05-13", "1")),
        (date(2026, 6, 1), "2026-06-12", ("2026-05-14", "2"), ("2026-06-14", "4")),
    ):
        commit(lake, request(day, **listed, list_cost_usd=Decimal(32)))
        close_month(lake, month, zone, "ada", datetime.now(UTC))
        commit(lake, request("2026-05-20", model="new", team_id="ads", output_tokens=1))
        commit(lake, *(request(at, **listed, list_cost_usd=Decimal(cost)) for at, cost in late))
    closes = read_closes(lake, zone)
    for close in closes.in_force:
        found[close.month.month] = rows = written(of_lake_month(lake, close.month), zone=zone)
        exact = sum(line.sums["spend_usd"] or 0 for line in month_statement(closes, close).lines)
        assert sum(row["BilledCost"] or 0 for row in rows) == exact
    of_close = [[row for row in rows if row["x_CostBasis"] == "close"] for rows in found.values()]

    told = ("ChargeCategory", "ChargeClass", "ChargeDescription", "x_Team", "BilledCost", "x_CostCoverage")
    since = "Changed since {} 2026 was closed, and corrected in a later month".format
    late = "Correction of May 2026: late requests"
    assert [cells(rows, *told) for rows in of_close] == [
        [("Adjustment", None, since("May"), "search", Decimal(-3), "exact")],
        [
            ("Usage", "Correction", late, "ads", None, "unpriced"),
            ("Usage", "Correction", late, "search", Decimal(1), "exact"),
            ("Adjustment", None, since("June"), "search", Decimal(-4), "exact"),
        ],
    ]  # fmt: skip
    periods = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
    assert [f"{at:%m-%d %H}" for at in cells(of_close[1], *periods)[0]] == ["06-01 00", "07-01 00", "04-30 22", "05-31 22"]
    assert {row["ChargeClass"] for row in written(of_lake_month(lake, date(2026, 6, 1)), zone="UTC")} == {None}


def of_lake_month(lake: Lake, month: date) -> View:
    return replace(view(lake.name, days(f"{month}", f"{month + timedelta(days=29)}")), version=lake.version())


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_written_is_read_as_a_bill_with_the_same_totals(billed: View, tmp_path: Path, version: str):
    write_focus(billed, version, tmp_path / "out.csv", "csv")
    lines = read_bill([tmp_path / "out.csv"]).lines.to_pylist()

    sums: dict[tuple, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    for line in lines:
        for place, name in enumerate(("quantity", "amount", "list_amount")):
            sums[line["kind"], line["model"], line["meter"]][place] += line[name] or 0
    assert sums == {
        ("usage", "gpt-4o", "input"): usd("1200", "0.0024", "0.003"),
        ("usage", "gpt-4o", "cache_read"): usd("800", "0.0008", "0.001"),
        ("usage", "gpt-4o", "output"): usd("200", "0.0016", "0.002"),
        ("tax", None, None): usd("0", "0.19", "0.19"),
        ("credit", None, None): usd("0", "-0.05", "-0.05"),
    }
    assert {(line["provider"], line["account"], line["unit"]) for line in lines if line["kind"] == "usage"} == {
        ("openai", "org-1", "tokens")
    }
    assert {line["first_day"] for line in lines} == {date(2026, 5, 1), date(2026, 5, 2)}


def test_the_command_writes_csv_that_no_spreadsheet_runs_and_says_what_has_no_cost(billed: View, tmp_path: Path):
    commit(Lake(billed.lake), request(model="new", output_tokens=1))
    arguments = ["export", "--focus", "1.2", "--start", "2026-05-01", "--end", "2026-05-02", "--zone", "Asia/Tokyo"]
    result = CliRunner().invoke(app, [*arguments, "--lake", billed.lake, "-o", str(tmp_path / "out.csv")])

    with (tmp_path / "out.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    said = ("9 FOCUS rows written", "1 FOCUS row without a cost")
    assert (result.exit_code, [words for words in said if words not in result.output]) == (0, [])
    assert {row["x_Team"] for row in rows} == {"'=1+1", ""}
    assert (rows[0]["ChargePeriodStart"], rows[0]["BilledCost"]) == ("2026-05-01T00:00:00Z", "0.001200000")

    result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out.jsonl")])
    assert (result.exit_code, "out.jsonl says no format: end it in .csv, .parquet." in " ".join(result.output.split())) == (2, True)
