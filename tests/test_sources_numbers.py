"""How a table writes its numbers: read right by the whole column, or refused; never another number."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source_rows import json_lines, read, rejects, requests
from usagecost.sources.mapped import Table, mapped_by
from usagecost.sources.mapping import mapping_of

NAMES = {"at": "started_at", "in": "input_tokens", "cost": "reported_cost_usd", "took": "duration_ms"}


def mapped(names: str = "at in cost took", **keys: object) -> Table:
    return mapped_by(mapping_of({"columns": {NAMES[name]: name for name in names.split()}, **keys}))


def table_of(path: Path, *rows: tuple[str, ...], names: str = "at in cost took", delimiter: str = ";") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([names.split(), *(("2026-05-04 10:00", *row) for row in rows)])
    path.write_text(text.getvalue())
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "usage.csv"


@pytest.mark.parametrize(
    ("texts", "counts"),
    [
        (["12.000", "1.250", "150.000"], [12000, 1250, 150000]),  # no count is 1.25
        (["800", "2.000"], [800, 2000]),  # who writes 2.000 for two writes 800.000
        (["800", "2,000"], [800, 2000]),
        (["1.250.000", "12.000"], [1250000, 12000]),
        (["800.000", "12.5e1", "1234.0"], [800, 125, 1234]),
        (["12 000", "7"], [12000, 7]),
        (["12'000", "1_000"], [12000, 1000]),
        (["12.0", "7.0"], [12, 7]),
    ],
)
def test_counts_are_read_as_their_column_writes_them(file: Path, texts: list[str], counts: list[int]):
    batch = read(mapped("at in"), table_of(file, *((text,) for text in texts), names="at in"))

    assert (rejects(batch), batch.requests["input_tokens"].to_pylist()) == ([], counts)


@pytest.mark.parametrize(
    ("texts", "costs"),
    [
        (["1,25", "1.250,5", "12.000"], ["1.25", "1250.5", "12000"]),
        (["0.0012", "1.250"], ["0.0012", "1.25"]),
        (["1,250.5", "1.250"], ["1250.5", "1.25"]),
        (["0,125", "12,000"], ["0.125", "12"]),
        (["Included", "-", "0.14"], [None, None, "0.14"]),
        (["N/A", "1,5E-05", ""], [None, "0.000015", None]),
    ],
)
def test_costs_are_read_as_their_column_writes_them(file: Path, texts: list[str], costs: list[str | None]):
    batch = read(mapped("at cost"), table_of(file, *((text,) for text in texts), names="at cost"))

    assert rejects(batch) == []
    assert batch.requests["reported_cost_usd"].to_pylist() == [cost if cost is None else Decimal(cost) for cost in costs]


def test_what_a_column_does_not_tell_another_does(file: Path):
    batch = read(mapped(), table_of(file, ("1.250", "2.500", "1.000"), ("7", "1.000", "")))

    assert requests(batch, "input_tokens", "reported_cost_usd", "duration_ms") == [
        (1250, Decimal(2500), 1000.0),
        (7, Decimal(1000), None),
    ]


@pytest.mark.parametrize("texts", [["1.250"], ["1,250", "2,500"], ["12"], ["0"]])
def test_a_column_that_tells_nothing_is_refused(file: Path, texts: list[str]):
    batch = read(mapped("at cost"), table_of(file, *((text,) for text in texts), names="at cost"))

    if texts[0].isdecimal():
        assert batch.requests["reported_cost_usd"].to_pylist() == [Decimal(text) for text in texts]
    else:
        assert batch.requests.num_rows == 0
        assert rejects(batch) == [
            (
                None,
                f"The file has numbers in its column 'cost' that may be read in two ways, such as '{texts[0]}': say in a mapping "
                "how numbers are written, with decimal_comma = true or false, or column by column under [numbers].",
            )
        ]


def test_a_column_that_writes_numbers_in_two_ways_is_refused(file: Path):
    batch = read(mapped("at cost"), table_of(file, ("1.250,00",), ("1,250.00",), names="at cost"))

    assert rejects(batch) == [
        (
            None,
            "The file writes numbers in two ways in its column 'cost', one of them as in '1.250,00': write all as 1234.5, "
            "or load the rows of each kind as a file of their own.",
        )
    ]


def test_rows_before_the_first_odd_number_are_read_too(file: Path):
    rows = [("7",)] * 200_000 + [("1.250",)]

    batch = read(mapped("at in"), table_of(file, *rows, names="at in"))

    assert batch.requests["input_tokens"].to_pylist() == [7] * 200_000 + [1250]


def test_a_mapping_may_say_how_numbers_are_written(file: Path):
    table_of(file, ("1.250", "1.250", "1.250"))

    comma = read(mapped(decimal_comma=True), file)
    point = read(mapped("at cost took", decimal_comma=False), file)
    both = read(mapped(decimal_comma=True, numbers={"duration_ms": "1,234.5"}), file)

    columns = ("reported_cost_usd", "duration_ms")
    assert requests(comma, "input_tokens", *columns) == [(1250, Decimal(1250), 1250.0)]
    assert requests(point, *columns) == [(Decimal("1.25"), 1.25)]
    assert requests(both, "input_tokens", *columns) == [(1250, Decimal(1250), 1.25)]


def test_a_number_written_otherwise_than_the_mapping_says_is_rejected(file: Path):
    batch = read(mapped("at cost", decimal_comma=True), table_of(file, ("12.5",), ("1,5",), names="at cost"))

    assert requests(batch, "reported_cost_usd") == [(Decimal("1.5"),)]
    assert rejects(batch) == [
        (
            2,
            'reported_cost_usd (column cost) is "12.5", but numbers are written there as in 1.234,5. '
            "Correct the log, or the mapping.",
        )
    ]


def test_words_may_stand_for_no_value(file: Path):
    rows = [("free of charge", "none yet"), ("5", "1")]
    table_of(file, *rows, names="at in cost")

    batch = read(mapped("at in cost", no_value=["Free of charge", "none yet"]), file)

    assert (rejects(batch), requests(batch, "input_tokens", "reported_cost_usd")) == ([], [(None, None), (5, Decimal(1))])


def test_numbers_of_json_are_plain_and_its_texts_are_read_by_their_column(tmp_path: Path):
    at = {"at": "2026-05-04T10:00:00Z"}
    table = mapped("at in cost")
    numbers = json_lines(tmp_path / "a.jsonl", [{**at, "in": 12.0, "cost": 1.25}, {**at, "in": 7, "cost": None}])
    texts = json_lines(tmp_path / "b.jsonl", [{**at, "in": "12.000", "cost": "1,5"}, {**at, "in": "1.250", "cost": 2.125}])
    doubtful = json_lines(tmp_path / "c.jsonl", [{**at, "in": "12.000", "cost": "1.250"}])

    assert requests(read(table, numbers), "input_tokens", "reported_cost_usd") == [(12, Decimal("1.25")), (7, None)]
    assert requests(read(table, texts), "input_tokens", "reported_cost_usd") == [(12000, Decimal("1.5")), (1250, Decimal("2.125"))]
    assert read(table, doubtful).requests.num_rows == 0


def test_a_text_of_json_that_comes_late_and_may_be_two_numbers_is_rejected(tmp_path: Path):
    at = {"at": "2026-05-04T10:00:00Z"}
    lines = [{**at, "cost": 0.5, "note": "x" * 300}] * 2_000 + [{**at, "cost": "1.250"}, {**at, "cost": "1.25"}]

    batch = read(mapped("at cost"), json_lines(tmp_path / "a.jsonl", lines))

    assert batch.requests["reported_cost_usd"].to_pylist() == [Decimal("0.5")] * 2_000 + [Decimal("1.25")]
    assert [line for line, _ in rejects(batch)] == [2_001]


def test_texts_of_parquet_are_read_like_those_of_csv(tmp_path: Path):
    table = pa.table({"at": ["2026-05-04"] * 2, "in": ["12.000", "1.250"], "cost": pa.array([1.25, None])})
    pq.write_table(table, tmp_path / "a.parquet")

    batch = read(mapped("at in cost"), tmp_path / "a.parquet")

    assert requests(batch, "input_tokens", "reported_cost_usd") == [(12000, Decimal("1.25")), (1250, None)]


@pytest.mark.parametrize("column", ["request_id", "user_id", "session_id"])
def test_ids_that_a_spreadsheet_rounded_are_rejected(file: Path, column: str):
    file.write_text(f"started_at,model,{column}\n2026-05-04,m,1.73211E+18\n2026-05-04,m,17a\n2026-05-04,m,1E5\n")

    batch = read(Table(), file)

    assert batch.requests[column].to_pylist() == ["17a", "1E5"]
    assert rejects(batch) == [
        (
            2,
            f'{column} is "1.73211E+18": a spreadsheet has rounded the id to a number, so that different ids are the same now. '
            "Export the table anew, without opening it in a spreadsheet.",
        )
    ]


def test_units_may_have_columns_of_their_own(file: Path):
    file.write_text("at;searches;seconds\n2026-05-04;5;\n2026-05-04;;1,5\n2026-05-04;0;0\n")
    columns = {"started_at": "at", "units": {"web_searches": "searches", "input_audio_seconds": "seconds"}}

    batch = read(mapped_by(mapping_of({"columns": columns})), file)

    assert (rejects(batch), batch.requests["units"].to_pylist()) == (
        [],
        [[("web_searches", Decimal(5))], [("input_audio_seconds", Decimal("1.5"))], None],
    )


# ---- the law

AMOUNTS = st.decimals(0, 900_000, places=4, allow_nan=False, allow_infinity=False)


def in_style(amount: Decimal, group: str, decimal: str, places: int | None) -> str:
    """A number with groups of three digits, and so many decimals; None: those it needs."""
    whole, _, rest = f"{amount:.4f}".partition(".")
    rest = rest.rstrip("0") if places is None else f"{amount:.{places}f}".partition(".")[2]
    digits = f"{int(whole):,}".replace(",", group)
    return f"{digits}{decimal}{rest}" if rest else digits


@settings(max_examples=25, deadline=None)
@given(
    amounts=st.lists(AMOUNTS, min_size=1, max_size=6),
    counts=st.lists(st.integers(0, 3_000_000), min_size=6, max_size=6),
    style=st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]),
    places=st.sampled_from([None, 2, 3, 4]),
    delimiter=st.sampled_from([";", ",", "\t"]),
)
def test_a_column_in_one_style_is_read_exactly_or_refused(
    amounts: list[Decimal], counts: list[int], style: tuple[str, str], places: int | None, delimiter: str
):
    group, decimal = style
    amounts = [amount if places is None else round(amount, places) for amount in amounts]
    rows = [
        (f"{count:,}".replace(",", group), in_style(amount, group, decimal, places), in_style(amount, group, decimal, places))
        for count, amount in zip(counts, amounts, strict=False)
    ]
    with TemporaryDirectory() as folder:
        batch = read(mapped(), table_of(Path(folder) / "a.csv", *rows, delimiter=delimiter))

    if batch.requests.num_rows == 0:
        assert [line for line, _ in rejects(batch)] == [None]
        return
    assert rejects(batch) == []
    assert requests(batch, "input_tokens", "reported_cost_usd", "duration_ms") == [
        (count or None, amount, float(amount))  # a finished answer with no token at all has told none
        for count, amount in zip(counts, amounts, strict=False)
    ]
