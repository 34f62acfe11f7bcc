"""Lines of bills in the lake: kept once a statement, those of replaced statements too."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from usagecost import schema
from usagecost.bills import current_lines
from usagecost.lake import Lake


def lines(statement: str, *amounts: str, made: int = 5) -> pa.Table:
    """A statement of one day's costs at OpenAI, made on a day of November."""
    day, now = date(2026, 11, 3), datetime(2026, 11, made, tzinfo=UTC)
    days = dict.fromkeys(("covers_first", "covers_last", "first_day", "last_day"), day)
    said = {"statement": statement, "format": "openai-costs", "provider": "openai", "kind": "usage", "currency": "USD"}
    rows = [
        dict.fromkeys(schema.BILLS.names)
        | said
        | days
        | {"as_of": now, "loaded_at": now, "source_file": "costs.json", "line": number, "amount": Decimal(amount)}
        for number, amount in enumerate(amounts, start=1)
    ]
    return pa.Table.from_pylist(rows, schema.BILLS)


def test_a_statement_is_kept_once_and_beside_a_newer_one(tmp_path):
    lake = Lake(tmp_path)

    assert [lake.keep_rows("bills", lines("a", "1.25", "0.75")), lake.keep_rows("bills", lines("a", "1.25", "0.75"))] == [2, 0]
    assert lake.keep_rows("bills", lines("b", "2.10")) == 1
    assert [(row["statement"], row["amount"]) for row in lake.rows("bills").to_pylist()] == [
        ("a", Decimal("1.250000000")), ("a", Decimal("0.750000000")), ("b", Decimal("2.100000000")),
    ]  # fmt: skip


def test_a_statement_that_is_made_again_is_as_of_then_and_counts(tmp_path):
    lake = Lake(tmp_path)
    kept = [lake.keep_rows("bills", lines(name, amount, made=made)) for name, amount, made in (
        ("a", "10", 5), ("b", "12", 6), ("a", "10", 7), ("a", "10", 6), ("a", "10", 7),
    )]  # fmt: skip

    assert kept == [1, 1, 1, 0, 0]
    assert [(row["statement"], row["as_of"].day) for row in lake.rows("bills").to_pylist()] == [("a", 7), ("b", 6)]
    assert [row["amount"] for row in current_lines(lake).to_pylist()] == [Decimal(10)]


def test_lines_of_some_providers_are_read_alone(tmp_path):
    lake = Lake(tmp_path)
    lake.keep_rows("bills", lines("a", "1.25", "0.75"))

    assert [lake.rows("bills", pc.field("provider").isin(asked)).num_rows for asked in (["openai", "aws"], ["aws"])] == [2, 0]


def test_a_lake_without_bills_has_no_lines(tmp_path):
    assert Lake(tmp_path).rows("bills").num_rows == 0
