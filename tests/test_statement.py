"""The statement of a month: cents that add up, shared costs, other currencies, and the files that say how."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usagecost import schema
from usagecost.bills.chargeback import ChargebackProblem, Rule, allocated, chargeback_text, parse_chargeback
from usagecost.bills.closes import Close, Closes, as_rows
from usagecost.bills.corrections import KEYS, MEASURES, added, differences
from usagecost.bills.currencies import CurrencyProblem, ExchangeRate, parse_currencies, rates_on
from usagecost.bills.ecb import read_ecb
from usagecost.bills.month_files import csv_of, parquet_of
from usagecost.bills.month_page import amount_texts, html_of
from usagecost.bills.monthly import MonthStatement, month_statement
from usagecost.bills.rounding import CENT, apportion, rounded
from usagecost.lake import Lake

OCTOBER = date(2026, 10, 1)
CLOSED = {"close": "x", "entry": "x", "month": OCTOBER, "zone": "UTC", "happened_at": datetime(2026, 11, 2, tzinfo=UTC)}
PRICED = {"kind": "usage", "requests": 1, "priced_requests": 1, "incomplete_requests": 0}
UNPRICED = {"priced_requests": 0, "incomplete_requests": 1, "spend_usd": None}

exact = st.decimals(-1000, 1000, places=9)


def statement_of(*usage: dict[str, Any], chargeback: str = "", rate: ExchangeRate | None = None) -> MonthStatement:
    """Of requests by team, key and app, each with what it cost; priced in whole unless it says otherwise."""
    made_with = {"lake": 7, "app": "a", "prices": "p", "price_book": "", "chargeback": chargeback, "names": {}}
    act = {"kind": "closed", "who": "ada", "made_with": json.dumps(made_with)}
    rows = [PRICED | row | {"spend_usd": row["spend_usd"] and Decimal(row["spend_usd"])} for row in usage]
    close = Close(as_rows(CLOSED | row for row in (act, *rows)))
    return month_statement(Closes("UTC", schema.CLOSES.empty_table(), ()), close, rate)


@settings(max_examples=40)
@given(st.lists(exact, min_size=1, max_size=20))
def test_cents_add_up_and_none_is_off_by_a_cent(parts: list[Decimal]):
    amounts = dict(enumerate(parts))
    total = rounded(sum(amounts.values(), Decimal(0)))
    cents = apportion(total, amounts)

    assert sum(cents.values()) == total
    assert all(abs(cents[name] - amount) < CENT and cents[name] == rounded(cents[name]) for name, amount in amounts.items())


def test_what_is_left_goes_to_the_largest_remainder_and_of_the_same_to_the_first():
    thirds = dict.fromkeys("abc", Decimal("0.333333333"))

    assert list(apportion(Decimal("1.00"), thirds).values()) == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]
    assert apportion(Decimal("0.01"), {"a": Decimal("0.004"), "b": Decimal("0.006")}) == {"a": 0, "b": CENT}
    assert [rounded(Decimal(amount)) for amount in ("0.005", "0.015", "-0.005")] == [0, Decimal("0.02"), 0]


@settings(max_examples=40)
@given(exact.map(rounded), st.lists(st.decimals(1, 100, places=3), min_size=1, max_size=9))
def test_shared_costs_are_split_to_the_cent(pool: Decimal, weights: list[Decimal]):
    own = {f"team {place}": weight for place, weight in enumerate(weights)}
    only = {"team": ("x",)}
    proportional, even, fixed = (
        allocated(rule, pool, own)
        for rule in (
            Rule(name="a", only=only),
            Rule(name="b", only=only, split="even"),
            Rule(name="c", only=only, split="fixed", shares=own),
        )
    )

    assert sum(proportional.values()) == sum(even.values()) == pool
    assert fixed == proportional
    assert max(even.values()) - min(even.values()) <= CENT


sums = st.fixed_dictionaries({name: st.none() | st.integers(-5, 5) for name in MEASURES})
states = st.dictionaries(st.tuples(*(st.sampled_from(["a", None]) for _ in KEYS)), sums, max_size=4)


@settings(max_examples=40)
@given(st.lists(states, min_size=1, max_size=6))
def test_a_base_and_its_differences_are_the_last_state(history: list[dict]):
    booked: dict = {}
    for state in history:
        for group, difference in differences(state, booked).items():
            booked[group] = added(booked[group], difference) if group in booked else difference

    def known(groups: dict) -> dict:
        return {group: {name: value or 0 for name, value in sums.items()} for group, sums in groups.items() if any(sums.values())}

    assert known(booked) == known(history[-1])


SHARED = """
[[shared]]
name = "No team"
only = { team = ["(not reported)"] }

[[shared]]
name = "Platform"
only = { team = ["platform"], app = ["gateway"] }
split = "fixed"
shares = { search = 1, ads = 2 }
"""


def test_direct_and_shared_costs_stand_apart_and_add_up():
    done = statement_of(
        {"team_id": "search", "virtual_key": "k1", "spend_usd": "30.004"},
        {"team_id": "ads", "virtual_key": "k2", "spend_usd": "10.004"},
        {"team_id": "platform", "app": "batch", "spend_usd": "0.003"},
        {"team_id": "platform", "app": "gateway", "spend_usd": "10"},
        {"virtual_key": "k3", "spend_usd": "8.00"},
        chargeback=SHARED,
    )

    assert {team.value: tuple(owed.whole.usd for owed in (team.usage, team.allocated, team.total)) for team in done.teams} == {
        "ads": (Decimal("10.01"), Decimal("8.67"), Decimal("18.68")),  # 2.00 of 8 and 6.67 of 10; 0.004 is the largest rest
        "platform": (0, 0, 0),
        "search": (Decimal("30.00"), Decimal("9.33"), Decimal("39.33")),  # 6.00 of 8 and 3.33 of 10
    }
    assert sum(team.total.whole.usd for team in done.teams) == done.month.total.whole.usd == Decimal("58.01")
    rows = pq.read_table(io.BytesIO(parquet_of(done))).to_pylist()
    assert sum(row["amount_usd"] for row in rows if row["kind"] == "allocated") == 0
    assert sum(row["amount_usd"] for row in rows) == Decimal("58.01")
    assert sum(row["spend_usd"] or 0 for row in rows) == Decimal("58.011")


def test_costs_that_no_team_can_bear_stay_where_they_are():
    done = statement_of({"virtual_key": "k", "spend_usd": "5"}, chargeback=SHARED)

    assert (done.teams, done.pools[0].owed.whole.usd, dict(done.pools[0].shares)) == ((), 5, {})
    assert "No team (no team bears it)" in html_of(done)
    assert [row["amount_usd"] for row in csv.DictReader(io.StringIO(csv_of(done).decode()))] == ["5.00"]


def test_another_currency_is_made_of_the_dollars_cents_and_adds_up_too():
    rate = ExchangeRate("JPY", Decimal("151.25"), date(2026, 10, 30), "European Central Bank, x.csv")
    done = statement_of(*({"team_id": team, "spend_usd": "1.115"} for team in ("a", "b", "c")), rate=rate)

    assert [team.total.amount for team in done.teams] == [(Decimal("1.12"), 169), (Decimal("1.11"), 168), (Decimal("1.11"), 168)]
    assert done.month.total.amount == (Decimal("3.34"), 505)  # 505.175
    assert "Converted at 1 USD = 151.25 JPY, of 2026-10-30 (European Central Bank, x.csv)." in html_of(done)


def test_what_has_no_price_is_a_dash_and_what_lacks_one_a_lower_bound():
    done = statement_of({"team_id": "a", "app": "x", "spend_usd": "1"}, {"team_id": "a", "app": "<b>y", **UNPRICED})

    page = html_of(done).replace("\xa0", " ")
    assert "Lower bound: 1 request without a price; ≥ marks what lacks them." in page
    assert "≥ $1.00" in page
    assert '<td>&lt;b&gt;y</td><td class="n">1</td><td class="n">–</td><td class="n">–</td><td class="n">–</td>' in page


def corrected(*rows: dict[str, Any], chargeback: str = "") -> MonthStatement:
    """A month in which each of two teams has spent 50 USD, and what has changed of September."""
    late = {"kind": "correction", "of_month": date(2026, 9, 1), "cause": "late requests"}
    return statement_of(
        *({"team_id": team, "spend_usd": "50"} for team in "ab"), *(late | row for row in rows), chargeback=chargeback
    )


def test_late_requests_without_a_price_make_the_total_a_lower_bound():
    done = corrected(UNPRICED | {"team_id": "a", "requests": 100, "incomplete_requests": 100})

    page = html_of(done).replace("\xa0", " ")
    assert "Lower bound: 100 requests without a price; ≥ marks what lacks them." in page
    assert '<td>Corrections of earlier months</td><td class="n">–</td>' in page
    assert '<td>Total</td><td class="n">≥ $100.00</td>' in page
    assert "".join(f'<td class="n">{cell}</td>' for cell in ("1", "$50.00", "–", "$0.00", "≥ $50.00")) in page
    assert page.count("$0.00") == 3  # nothing is shared, and nothing of the other team was corrected
    assert [row["is_lower_bound"] for row in csv.DictReader(io.StringIO(csv_of(done).decode()))] == ["False", "False", ""]


def test_a_correction_that_finds_prices_completes_no_other_amount():
    priced = {"requests": 0, "priced_requests": 5, "incomplete_requests": -5, "spend_usd": "3"}
    done = corrected(priced | {"team_id": "a"}, UNPRICED | {"team_id": "b"}, {"team_id": "b", "app": "x", "spend_usd": "2"})

    assert [amount_texts(done, part.corrections) for part in done.teams] == [["$3.00"], ["≥\xa0$2.00"]]
    assert [amount_texts(done, part.total) for part in (done.month, *done.teams)] == [
        ["≥\xa0$105.00"], ["$53.00"], ["≥\xa0$52.00"],
    ]  # fmt: skip


def test_a_team_without_prices_owes_at_least_its_shared_costs():
    done = statement_of(
        {"team_id": "a", **UNPRICED}, {"spend_usd": "50"}, {"app": "x", **UNPRICED}, chargeback=SHARED.split("\n\n")[0]
    )

    page = html_of(done).replace("\xa0", " ")
    assert "".join(f'<td class="n">{cell}</td>' for cell in ("1", "–", "$0.00", "≥ $50.00", "≥ $50.00")) in page
    allocated = [row for row in csv.DictReader(io.StringIO(csv_of(done).decode())) if row["kind"] == "allocated"]
    assert [(row["amount_usd"], row["is_lower_bound"]) for row in allocated] == [("-50.00", "True"), ("50.00", "True")]


def test_a_spreadsheet_runs_nothing_of_a_file_and_exact_costs_stand_beside_cents():
    done = statement_of({"team_id": "=cmd()", "spend_usd": "1.000000001"})
    (row,) = csv.DictReader(io.StringIO(csv_of(done).decode()))

    assert (row["team"], row["spend_usd"], row["amount_usd"], row["amount"]) == ("'=cmd()", "1.000000001", "1.00", "1.00")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[[shared]]\nname = "a"\nonly = { user = ["u"] }', 3, "'user': use one of team, key, app, provider, model"),
        ('[[shared]]\nname = "a"\nonly = { team = ["t"] }\nsplit = "fixed"', 1, 'belong to split = "fixed"'),
        ('[[shared]]\nname = "a"\nonly = { team = ["t"] }\nsplit = "half"', 4, "it should be 'proportional', 'even' or 'fixed'"),
        ('[[shared]]\nname = "a"\nonly = { team = ["t"] }\n[[shared]]\nname = "a"\nonly = { team = ["u"] }', 5, "already"),
        ('[[shared]]\nonly = { team = ["t"] }', 1, "it is missing"),
    ],
)
def test_a_broken_rule_is_refused_with_its_line(tmp_path: Path, text: str, line: int, said: str):
    (tmp_path / "chargeback.toml").write_text(text)
    with pytest.raises(ChargebackProblem, match=rf"chargeback\.toml, line {line}, .*{said}"):
        chargeback_text(Lake(tmp_path / "lake"))


RATES = """
ecb = "eurofxref.csv"
[[rate]]
currency = "GBP"
from = 2026-10-01
per_usd = 0.75
[[rate]]
currency = "GBP"
from = 2026-11-01
per_usd = 0.8
"""
CSV = "Date, USD, JPY, GBP, BGN, \n30 October 2026, 1.0832, 165.01, 0.84, N/A, \n"
XML = """<?xml version="1.0"?><gesmes:Envelope><Cube>
<Cube time="2026-10-30"><Cube currency="USD" rate="1.0832"/><Cube currency="JPY" rate="165.01"/></Cube>
<Cube time='2026-10-29'><Cube currency='USD' rate='1.1'/></Cube></Cube></gesmes:Envelope>"""


def test_rates_are_those_of_the_day_or_of_the_last_before_it(tmp_path: Path):
    (tmp_path / "currencies.toml").write_text(RATES)
    (tmp_path / "eurofxref.csv").write_text(CSV)
    found = rates_on(Lake(tmp_path / "lake"), date(2026, 10, 31))  # a Saturday

    assert {name: (rate.per_usd, rate.day) for name, rate in found.items()} == {
        "GBP": (Decimal("0.75"), date(2026, 10, 1)),  # one's own go first
        "EUR": (Decimal("0.923190546529"), date(2026, 10, 30)),  # 1 / 1.0832
        "JPY": (Decimal("152.335672082718"), date(2026, 10, 30)),  # 165.01 / 1.0832
    }
    assert [*rates_on(Lake(tmp_path / "lake"), date(2026, 11, 30))] == ["GBP"]  # the bank's file ends a month before
    assert rates_on(Lake(tmp_path / "lake"), date(2026, 9, 30)) == {}


def test_the_banks_files_say_the_same_in_each_of_their_forms(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "hist.zip", "w") as archive:
        archive.writestr("eurofxref-hist.csv", "Date,USD,JPY,GBP,BGN,\n2026-10-30,1.0832,165.01,0.84,N/A,\n")
    (tmp_path / "daily.csv").write_text(CSV)
    (tmp_path / "hist.xml").write_text(XML)
    day = {"USD": Decimal("1.0832"), "JPY": Decimal("165.01")}

    assert (
        read_ecb(tmp_path / "hist.zip") == read_ecb(tmp_path / "daily.csv") == {date(2026, 10, 30): {**day, "GBP": Decimal("0.84")}}
    )
    assert read_ecb(tmp_path / "hist.xml") == {date(2026, 10, 30): day, date(2026, 10, 29): {"USD": Decimal("1.1")}}
    for content in (b"", b"PK\x03\x04", b"Date,USD\n2026-10-30,1.0.8\n", b"\xff\xfe", b"<html/>"):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(CurrencyProblem, match="is no file of the European Central Bank's reference rates: download"):
            read_ecb(tmp_path / "bad")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[rate]]\ncurrency = "USD"\nfrom = 2026-10-01\nper_usd = 1', r"line 2, currency: 'USD' is no other currency"),
        ('[[rate]]\ncurrency = "EUR"\nfrom = 2026-10-01\nper_usd = 0', r"line 4, per_usd: it should be greater than 0"),
        ('ecb = "nowhere.zip"', r"nowhere\.zip cannot be read: No such file or directory"),
    ],
)
def test_a_broken_file_of_rates_is_refused(tmp_path: Path, text: str, said: str):
    (tmp_path / "currencies.toml").write_text(text)
    with pytest.raises(CurrencyProblem, match=said):
        rates_on(Lake(tmp_path / "lake"), date(2026, 10, 31))


def test_the_files_in_the_readme_are_good():
    _, chargeback, currencies = (Path(__file__).parents[1] / "usagecost/bills/README.md").read_text().split("```toml\n")

    assert [rule.split for rule in parse_chargeback(chargeback.split("```")[0])] == ["proportional", "fixed"]
    assert parse_currencies(currencies.split("```")[0]).ecb == "eurofxref-hist.zip"
