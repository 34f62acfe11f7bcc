"""Bills as files: what cannot be read is said with its line and cure, nothing is read by halves, and hostile texts stay data."""

from __future__ import annotations

import gzip
import json
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.bill_rows import load_bill, written
from tests.test_bills_formats import (
    AZURE_EA,
    FOCUS,
    NOV_3,
    anthropic_row,
    bill_of,
    cur_file,
    focus_csv,
    openai_page,
    openai_result,
    told,
)  # fmt: skip
from usagecost.bills import BillProblem, current_lines, load_files, statement_files
from usagecost.bills.reading import read_bill
from usagecost.cli import app
from usagecost.lake import Lake

LINES = 100_000
OPENAI = {"ServiceProviderName": "OpenAI"}
BUCKET = openai_page((NOV_3, [openai_result(1.5, "gpt-4o, input")]))


def refusal(tmp_path: Path, content: Any, name: str = "bill.json") -> str:
    with pytest.raises(BillProblem) as problem:
        bill_of(tmp_path, content, name)
    return str(problem.value)


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("BilledCost", "1,50", "line 3: BilledCost: '1,50' is no number. Write it with digits and a decimal point, as in 1234.56."),
        ("BilledCost", "NaN", "line 3: BilledCost: 'NaN' is no number. Write it with digits and a decimal point, as in 1234.56."),
        ("BilledCost", "1e300", "line 3: amount is larger than a bill can hold (1.000e+300): is its unit another one?"),
        ("BilledCost", "", "line 3: it has no amount: export the bill with that column."),
        ("BillingCurrency", "", "line 3: it has no currency: export the bill with that column."),
        ("BillingCurrency", "tokens", "line 3: BillingCurrency: 'TOKENS' is no currency of three letters: export the bill in the "
         "currency that is billed."),
        ("ChargePeriodStart", "13/14/26", "line 3: ChargePeriodStart: '13/14/26' is no time. Write it as 2026-11-03T00:00:00Z or "
         "2026-11-03."),
        ("ChargePeriodStart", "0001-01-01", "line 3: ChargePeriodStart: '0001-01-01' is of the year 1: bills of models are of 2015 "
         "to 2100."),
        ("ChargePeriodEnd", "2099-01-01", "line 3: its period of 2026-11-03 to 2099-01-01 ends before it begins, or is longer than "
         "five years."),
        ("BillingPeriodStart", "4/2/26", "line 3: BillingPeriodStart is not the first of a month if days are month/day/year: write "
         "days as 2026-11-03."),
        ("ChargeCategory", "Fun", "line 3: ChargeCategory: 'Fun' is none of Usage, Purchase, Tax, Credit and Adjustment."),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_refuses_the_bill_and_says_why(tmp_path, column, value, sentence):
    rows = [FOCUS | OPENAI, FOCUS | OPENAI | {column: value}]

    assert refusal(tmp_path, focus_csv(*rows), "focus.csv") == f"focus.csv, {sentence}"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (BUCKET | {"has_more": True},
         "the last page says has_more: save the pages that follow too, or let `bill fetch` ask for them."),
        ([BUCKET, BUCKET], "page 2 stands there twice, which would count it twice: save each page once."),
        ([BUCKET, openai_page((NOV_3, [openai_result(9, "gpt-4o, output")]))],
         f"item 2: its days stand there twice ({NOV_3}): save one answer, as the bill would be counted twice."),
        ([BUCKET, {"error": "no"}], "page 2 has no list `data`: save what the API answers as it is."),
        (openai_page((NOV_3, [{"amount": {"value": "much", "currency": "usd"}}])),
         "item 1: 'much' is no number. Write it with digits and a decimal point, as in 1234.56."),
        (openai_page((NOV_3, [{"amount": None}])),
         "item 1: a result has no amount.value: save the answer of the costs endpoint as it is."),
        ({"data": [], "has_more": False}, "this answer has no lines: nothing was billed in its days."),
        (openai_page((NOV_3, [])), "it has no lines of models. Export days on which models were used."),
        ({"data": [anthropic_row({"rbac_group_id": "rbac_group_1"}, "1", "1"), anthropic_row({"rbac_group_id": None}, "2", "2")]},
         "item 1: its rows are by rbac_group_id, and such groups overlap: their sum is not the bill. Ask without that group."),
        (json.dumps(BUCKET)[:-40], "its JSON is damaged or cut off: save what the API answers as a whole."),
        ("[" * 100_000, "its JSON is damaged or cut off: save what the API answers as a whole."),
        (f"{json.dumps(BUCKET)}\n{json.dumps(BUCKET)[:50]}", "line 2: it is no JSON, or cut off. Get a whole copy of the file."),
    ],
)  # fmt: skip
def test_an_answer_of_an_api_is_whole_and_told_once(tmp_path, content, sentence):
    assert refusal(tmp_path, content) == f"bill.json, {sentence}"


def test_items_that_were_saved_without_their_pages_are_read_and_numbers_of_any_size(tmp_path):
    bucket = BUCKET["data"][0]
    larger = focus_csv(FOCUS | OPENAI | {"ConsumedQuantity": "12345678901234567.5"})

    assert [told(bill_of(tmp_path, content), "amount") for content in ([bucket], json.dumps(bucket))] == [[("1.5",)]] * 2
    assert told(bill_of(tmp_path, larger, "focus.csv"), "quantity") == [("12345678901234567.5",)]  # more digits than money has


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("11/03/2026", "03/11/2026"), "BillingPeriodEndDate: '30/11/2026' is no time. Write it as 2026-11-03T00:00:00Z or "
         "2026-11-03."),
        (("EUR,Usage,,11/30/2026", "EUR,Usage,r-1,11/30/2026"),
         "these are amortised costs, whose sum is not the invoice: export actual costs."),
        (("EUR,Usage", "EUR,UnusedReservation"), "these are amortised costs, whose sum is not the invoice: export actual costs."),
    ],
)  # fmt: skip
def test_costs_of_azure_that_are_no_invoice_or_of_other_days_are_refused(tmp_path, change, sentence):
    end = "30/11/2026" if "03/11" in change[1] else "11/30/2026"
    header, first, *_ = AZURE_EA.splitlines()
    content = f"{header},ReservationId,BillingPeriodEndDate\n{first},,{end}\n"

    assert refusal(tmp_path, content.replace(*change), "azure.csv") == f"azure.csv, line 2: {sentence}"


def test_a_file_that_is_no_bill_says_what_is_known(tmp_path):
    assert refusal(tmp_path, "day,euros\n1,2\n", "own.csv").startswith(
        "own.csv, this is no bill that is known here. Known are: OpenAI"
    )
    assert refusal(tmp_path, "", "empty.csv") == "empty.csv is empty: there is nothing to read."
    assert "focus.csv, line 3: This row has 2 fields and the header 19" in refusal(
        tmp_path, focus_csv(FOCUS | OPENAI) + "\n1,2", "focus.csv"
    )


def test_damaged_files_are_refused_whole(tmp_path):
    packed = tmp_path / "cut.csv.gz"
    packed.write_bytes(gzip.compress(focus_csv(*[FOCUS | OPENAI] * 5000).encode())[:-20])
    parquet = cur_file(tmp_path, "parquet")
    parquet.write_bytes(parquet.read_bytes()[:-100])

    with pytest.raises(BillProblem, match=r"cut\.csv\.gz is cut off: its gzip data ends in the middle"):
        read_bill([packed])
    with pytest.raises(BillProblem, match=r"report\.parquet is a damaged Parquet file"):
        read_bill([parquet])


def test_hostile_texts_are_data(tmp_path):
    hostile = "'; DROP TABLE bills; -- <script> \u202e =1+1 \ud800 " + "x" * 5000
    page = openai_page((NOV_3, [openai_result(1, hostile, project_id="a\0b", quantity=1, quantity_unit={"tokens": 1})]))

    lake = Lake(tmp_path / "lake")
    load_bill(lake, written(tmp_path, page))
    row = current_lines(lake).to_pylist()[0]

    assert row["sku"].startswith("'; DROP TABLE bills; -- <script> \u202e =1+1 ? xxx")
    assert (len(row["sku"]), row["project"], row["unit"], row["model"]) == (2000, "ab", None, None)


SAMPLES = (focus_csv(FOCUS | OPENAI, FOCUS | OPENAI), json.dumps([FOCUS | OPENAI]), json.dumps(BUCKET), AZURE_EA)


HOSTILE = ('{"a":' * 900, "[" * 5000, '"', "\0", "NaN", "1e999", "-1", "null", "\n", "9" * 50)


@settings(max_examples=30)
@given(st.sampled_from(SAMPLES), st.data())
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(tmp_path_factory, sample, data):
    place, length = data.draw(st.integers(0, len(sample))), data.draw(st.integers(0, 30))
    other = data.draw(st.text(max_size=10) | st.sampled_from(HOSTILE))
    file = tmp_path_factory.mktemp("bills") / "bill"
    file.write_bytes((sample[:place] + other + sample[place + length :]).encode("utf-8", "replace"))

    with suppress(BillProblem):
        assert read_bill([file]).lines.num_rows > 0


def test_a_statement_is_its_contents_whatever_the_file(tmp_path):
    rows = [FOCUS | OPENAI | {"BilledCost": cost} for cost in ("1.0", "2")]
    lake = Lake(tmp_path / "lake")
    made = datetime(2026, 12, 1, tzinfo=UTC)
    first = load_bill(lake, written(tmp_path, focus_csv(*rows), "one.csv"), as_of=made)
    again = load_bill(lake, written(tmp_path, "\n".join(map(json.dumps, reversed(rows))), "two.jsonl"), as_of=made)
    other = load_bill(lake, written(tmp_path, focus_csv(rows[0]), "three.csv"), as_of=datetime(2027, 1, 1, tzinfo=UTC))

    assert [(one.is_new, one.lines) for one in (first, again, other)] == [(True, 2), (False, 2), (True, 1)]
    assert (first.statement == again.statement, first.statement == other.statement) == (True, False)
    assert [str(amount.normalize()) for amount in current_lines(lake)["amount"].to_pylist()] == ["1"]
    assert first.totals == {("USD", "usage"): 3}


def test_files_into_which_an_export_was_cut_are_one_statement(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    for number, cost in enumerate(("1", "2", "4"), 1):
        written(folder, focus_csv(FOCUS | OPENAI | {"BilledCost": cost}), f"focus-0000{number}.csv")
    written(folder, "{}", ".hidden-00001.json")
    alone = written(folder, focus_csv(FOCUS | OPENAI), "focus-2026-10.csv")

    parts, (single,) = statement_files([folder])

    assert ([file.name for file in parts], single) == ([f"focus-0000{number}.csv" for number in (1, 2, 3)], alone)
    assert statement_files([folder / "focus-00002.csv"]) == [parts]
    assert load_files(Lake(tmp_path / "lake"), parts).totals == {("USD", "usage"): 7}


@pytest.mark.parametrize(("one", "other"), [
    ("costs_20261101.json", "costs_20261115.json"), ("aws-2026-0831.csv", "aws-2026-0930.csv"),
    ("acct-000123456789.csv", "acct-000987654321.csv"), ("focus-00001.csv", "focus-00003.csv"),
])  # fmt: skip
def test_files_of_days_and_accounts_are_statements_of_their_own(tmp_path, one, other):
    files = [written(tmp_path, BUCKET, name) for name in (one, other)]

    assert statement_files([tmp_path]) == [(file,) for file in files]
    assert statement_files(files[1:]) == [(files[1],)]


def test_when_a_statement_was_made_and_whose_it_is(tmp_path):
    file = written(tmp_path, BUCKET)
    os.utime(file, (1_800_000_000, 1_800_000_000))

    assert read_bill([file]).lines["as_of"][0].as_py() == datetime.fromtimestamp(1_800_000_000, UTC)
    assert told(read_bill([file], account="org-1", name="upload.json"), "account", "source_file") == [("org-1", "upload.json")]


@pytest.mark.slow
def test_a_hundred_thousand_lines_are_read_in_a_few_seconds(tmp_path):
    """It takes five seconds of processor time on a machine that is busy; fifteen are allowed."""
    day = [f"2026-11-{day:02}T00:00:00Z" for day in range(1, 29)]
    rows = (
        FOCUS | OPENAI | {"ChargePeriodStart": start, "ChargePeriodEnd": end, "BilledCost": f"0.{place:06}"}
        for place in range(LINES)
        for start, end in [(day[place % 27], day[place % 27 + 1])]
    )
    file = written(tmp_path, focus_csv(*rows), "focus.csv")
    began = time.process_time()

    assert read_bill([file]).lines.num_rows == LINES
    assert time.process_time() - began < 15


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.output


def test_the_command_loads_lists_and_removes(tmp_path):
    bills, lake = tmp_path / "bills", ("--lake", tmp_path / "lake")
    bills.mkdir()
    written(bills, AZURE_EA, "azure.csv")
    written(bills, "a,b\n1,2\n", "notes.csv")

    status, output = run("bill", bills, *lake)
    assert status == 0
    words = ("Azure cost and usage details: loaded", "8608480", "2.29", "260.00", "Virtual Machines", "notes.csv, this is no bill")
    assert [word for word in words if word not in output] == []
    assert "already there" in run("bill", bills / "azure.csv", *lake)[1]

    listed = json.loads(run("bill", "--list", "--report", "json", *lake)[1])
    assert [(one["provider"], one["lines"], one["counting"], one["totals"]) for one in listed] == [
        ("azure", 3, 3, {"EUR": "262.287340000"})
    ]
    assert run("bill", "--remove", listed[0]["statement"], *lake)[0] == 0
    assert run("bill", "--list", *lake)[1] == "There is no bill yet.\n"
    assert [run("bill", *wrong, *lake)[0] for wrong in ([], ["--list", bills], [tmp_path / "nowhere"], ["fetch", "nobody"])] == [
        2
    ] * 4
    assert run("bill", bills / "notes.csv", *lake)[0] == 1
