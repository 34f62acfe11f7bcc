"""Which lines of bills count: no day is told twice, nothing is lost unsaid, and the order of loading changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usagecost import schema
from usagecost.bills.coverage import current, current_lines
from usagecost.bills.statements import statements
from usagecost.lake import Lake


class Said(NamedTuple):
    """A line of days of November, from the first to the last."""

    first: int
    last: int
    amount: str
    kind: str = "usage"
    account: str | None = None
    project: str | None = None
    invoice: str | None = None
    provider: str = "openai"


def statement(name: str, as_of: int, *lines: Said, format: str = "focus", covers: tuple[int, int] | None = None) -> pa.Table:  # noqa: A002
    """A statement that was made on a day of December, and covers the days of its usage, or of its lines."""
    usage = [line for line in lines if line.kind == "usage"] or lines
    first, last = covers or (min(line.first for line in usage), max(line.last for line in usage))
    at = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(days=as_of)
    whole = {
        "statement": name, "format": format, "covers_first": november(first), "covers_last": november(last),
        "as_of": at, "loaded_at": at, "currency": "USD", "source_file": f"{name}.csv",
    }  # fmt: skip
    rows = [
        dict.fromkeys(schema.BILLS.names)
        | whole
        | {"first_day": november(line.first), "last_day": november(line.last), "kind": line.kind, "account": line.account}
        | {"project": line.project, "invoice": line.invoice, "provider": line.provider}
        | {"amount": Decimal(line.amount), "line": number}
        for number, line in enumerate(lines, 1)
    ]
    return pa.Table.from_pylist(rows, schema.BILLS)


def november(day: int) -> date:
    return date(2026, 11, 1) + timedelta(days=day - 1)


def counting(*tables: pa.Table) -> list[tuple[str, int, str]]:
    """The statement, first day and amount of the lines that count."""
    found = current(pa.concat_tables(tables)).lines.to_pylist()
    return sorted((row["statement"], row["first_day"].day, f"{row['amount']:.2f}") for row in found)


OPENAI = {"format": "openai-costs"}
TWO_PROJECTS = statement("a", 1, Said(1, 1, "5", project="sub-1"), Said(1, 1, "7", project="sub-2"))
SUB_1, SUB_2 = (statement(name, place, Said(1, 1, usd, project=project)) for place, (name, usd, project) in enumerate(
    (("a", "5", "sub-1"), ("b", "7", "sub-2")), 1))  # fmt: skip
INVOICE = statement("a", 1, Said(1, 1, "10"), Said(30, 30, "30"), Said(1, 30, "7.60", "tax"))
FREE, COMMITTED = statement("a", 1, Said(1, 1, "0")), statement("b", 2, Said(1, 365, "200000", "commitment"))


@pytest.mark.parametrize(
    ("statements", "left"),
    [
        pytest.param([statement("a", 1, Said(1, 1, "10"), Said(2, 2, "20"), Said(3, 3, "30"), **OPENAI),
                      statement("b", 2, Said(2, 2, "21"), Said(4, 4, "40"), **OPENAI, covers=(2, 4))],
                     [("a", 1, "10.00"), ("b", 2, "21.00"), ("b", 4, "40.00")],  # the third day is billed 0 now
                     id="days that are asked for again replace those days"),
        pytest.param([INVOICE, statement("b", 2, Said(30, 30, "31"), **OPENAI)],
                     [("a", 1, "10.00"), ("a", 1, "7.60"), ("b", 30, "31.00")],
                     id="a tax of the month stays when costs of its days are fetched again"),
        pytest.param([INVOICE, statement("b", 2, Said(1, 30, "41"))], [("b", 1, "41.00")],
                     id="a newer invoice without the tax takes it back"),
        pytest.param([FREE, COMMITTED], [("a", 1, "0.00"), ("b", 1, "200000.00")],
                     id="the purchase of a commitment covers no days"),
        pytest.param([FREE, COMMITTED, statement("c", 3, Said(1, 365, "190000", "commitment"))],
                     [("a", 1, "0.00"), ("c", 1, "190000.00")], id="and is replaced by a newer one"),
        pytest.param([statement("a", 1, Said(1, 1, "10")),
                      statement("b", 2, Said(1, 1, "7", provider="other"), Said(1, 1, "2", kind="tax"))],
                     [("a", 1, "10.00"), ("b", 1, "2.00"), ("b", 1, "7.00")],
                     id="a statement covers nothing of a provider of whose usage it has no line"),
        pytest.param([SUB_1, SUB_2], [("a", 1, "5.00"), ("b", 1, "7.00")], id="exports of two subscriptions both count"),
        pytest.param([SUB_1, SUB_2, statement("c", 3, Said(1, 1, "6", project="sub-1"))], [("b", 1, "7.00"), ("c", 1, "6.00")],
                     id="until one is told anew"),
        pytest.param([TWO_PROJECTS, statement("c", 3, Said(1, 1, "13"))], [("c", 1, "13.00")],
                     id="what names no project replaces all of them"),
        pytest.param([TWO_PROJECTS, statement("c", 3, Said(1, 1, "13", project="/s/sub-1"), format="azure-cost-details")],
                     [("c", 1, "13.00")], id="and so does another format"),
        pytest.param([statement("a", 1, Said(1, 1, "4", invoice="202610", project="p"), format="google-billing"),
                      statement("b", 2, Said(1, 2, "9", invoice="202611", project="p"), format="google-billing")],
                     [("a", 1, "4.00"), ("b", 1, "9.00")],
                     id="an invoice of Google leaves the hours of its first day that the month before has"),
    ],
)  # fmt: skip
def test_of_statements_these_lines_count(statements: list[pa.Table], left: list[tuple[str, int, str]]):
    assert counting(*statements) == left


def test_a_longer_line_that_is_covered_in_part_does_not_count_and_is_told():
    month = statement("a", 1, Said(1, 30, "300"))
    days = statement("b", 2, *[Said(day, day, "11") for day in range(20, 31)])
    rest = statement("c", 3, Said(1, 19, "190"))

    found = current(pa.concat_tables([month, days]))

    assert {row["statement"] for row in found.lines.to_pylist()} == {"b"}
    assert found.sentences == (
        "openai: 1 usage line of 2026-11-01 to 2026-11-30 left out (300.00 USD), as newer statements tell some of these days. "
        "Load a statement of 2026-11-01 to 2026-11-19, or remove the newer one.",
    )
    assert current(pa.concat_tables([month, days, rest])).sentences == ()


def test_accounts_are_apart_and_a_missing_account_is_told():
    two = [statement("a", 1, Said(1, 1, "10", account="org-1")), statement("b", 2, Said(1, 2, "20", account="org-2"))]
    none = statement("c", 3, Said(2, 2, "5"))

    assert counting(*two) == [("a", 1, "10.00"), ("b", 1, "20.00")]
    assert current(pa.concat_tables(two)).sentences == ()
    assert current(pa.concat_tables([*two, none])).sentences == (
        "openai: statements tell 2026-11-02 with an account and without, which may count them twice. "
        "Load those without with --account, and remove the others.",
    )


lines = st.builds(
    lambda first, length, amount, kind, account, project: Said(first, first + length, str(amount), kind, account, project),
    st.integers(1, 8),
    st.sampled_from([0, 0, 0, 1, 4]),
    st.integers(1, 9),
    st.sampled_from(["usage", "usage", "tax"]),
    st.sampled_from([None, "org-1"]),
    st.sampled_from([None, None, "p-1", "p-2"]),
)
books = st.lists(
    st.tuples(st.integers(1, 3), st.lists(lines, min_size=1, max_size=4), st.sampled_from(["focus", "openai-costs"])),
    min_size=1,
    max_size=5,
).map(lambda made: [statement(f"s{place}", as_of, *said, format=kind) for place, (as_of, said, kind) in enumerate(made)])


def newness(row: dict[str, Any]) -> tuple[datetime, str]:
    return row["as_of"], row["statement"]


def days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=day) for day in range((last - first).days + 1))


@given(books, st.randoms())
def test_the_order_of_statements_changes_nothing(book, random):
    shuffled = random.sample(book, len(book))

    assert counting(*book) == counting(*shuffled)
    assert set(current(pa.concat_tables(book)).sentences) == set(current(pa.concat_tables(shuffled)).sentences)


@given(books)
def test_no_day_of_a_kind_is_told_by_two_statements(book):
    told = defaultdict(set)
    for row in current(pa.concat_tables(book)).lines.to_pylist():
        for day in days(row["first_day"], row["last_day"]):
            told[row["account"], row["kind"], day].add((row["statement"], row["format"], row["project"]))

    for by in told.values():
        for (one, *of), (other, *of_other) in combinations(by, 2):
            is_apart = of[0] == of_other[0] and None not in (of[1], of_other[1]) and of[1] != of_other[1]
            assert one == other or is_apart


@given(books)
def test_what_does_not_count_is_covered_by_newer_statements_or_told(book):
    rows = pa.concat_tables(book).to_pylist()
    found = current(pa.concat_tables(book))
    kept = {(row["statement"], row["line"]) for row in found.lines.to_pylist()}
    for row in rows:
        newer = [other for other in rows if newness(other) > newness(row) and other["account"] == row["account"]]
        with_usage = {other["statement"] for other in rows if other["kind"] == "usage"}
        covered = {
            day
            for other in newer
            if other["statement"] in with_usage and (other["format"] == "focus" or row["kind"] == "usage")
            for day in days(other["covers_first"], other["covers_last"])
        }
        told = {day for other in newer if other["kind"] == row["kind"] for day in days(other["first_day"], other["last_day"])}
        own = set(days(row["first_day"], row["last_day"]))
        if (row["statement"], row["line"]) not in kept:
            said = f" of {row['first_day']}" + (f" to {row['last_day']}" if row["first_day"] < row["last_day"] else "")
            assert own <= covered | told or any(said in sentence for sentence in found.sentences)


@settings(max_examples=10)
@given(books)
def test_the_newest_statement_counts_as_a_whole(book):
    newest = max(pa.concat_tables(book).to_pylist(), key=newness)["statement"]
    kept = [name for name, *_ in counting(*book) if name == newest]

    assert len(kept) == next(table.num_rows for table in book if table["statement"][0].as_py() == newest)


@pytest.mark.parametrize("order", ["abc", "cba"])
def test_loading_in_any_order_and_twice_gives_the_same_lines(tmp_path, order):
    made = {
        "a": statement("a", 1, Said(1, 1, "10"), Said(2, 2, "20")),
        "b": statement("b", 2, Said(2, 3, "50")),
        "c": statement("c", 3, Said(3, 3, "33"), format="openai-costs"),
    }
    lake = Lake(tmp_path)
    for name in (*order, *order):
        lake.keep_rows("bills", made[name])

    assert [(row["statement"], f"{row['amount']:.0f}") for row in current_lines(lake).to_pylist()] == [
        ("a", "10"), ("a", "20"), ("c", "33"),
    ]  # fmt: skip
    assert [(one.statement, one.lines, one.counting) for one in statements(lake)] == [("a", 2, 2), ("b", 1, 0), ("c", 1, 1)]
    assert lake.remove_bill("c") == 1
    assert [row["statement"] for row in current_lines(lake).to_pylist()] == ["a", "b"]
    assert lake.remove_bill("c") == 0
