"""Tables: any delimiter, JSON lines and Parquet, by a mapping or by the record's own names."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.source_rows import json_lines, read, rejects, requests, sum_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Head
from usagecost.sources.mapped import Table, mapped_by
from usagecost.sources.mapping import read_mapping

USAGE = """request_id,started_at,provider,model,status,input_tokens,cache_read_tokens,output_tokens,reported_cost_usd
r-1,2026-05-01T10:00:00Z,openai,gpt-4o,success,100,40,7,0.0012
r-2,2026-05-01T10:00:01Z,openai,gpt-4o,error,0,,0,
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "usage.csv"


def mapped(folder: Path, toml: str) -> Table:
    path = folder / "mapping.toml"
    path.write_text(toml)
    return mapped_by(read_mapping(path))


def test_canonical_names_are_taken_as_they_are(file: Path):
    file.write_text(USAGE)

    batch = read(Table(), file)

    columns = ("source", "request_id", "model", "status", "input_tokens", "cache_read_tokens", "output_tokens", "reported_cost_usd")
    assert requests(batch, *columns) == [
        ("table", "r-1", "gpt-4o", "success", 100, 40, 7, Decimal("0.0012")),
        ("table", "r-2", "gpt-4o", "error", 0, None, 0, None),
    ]
    assert (batch.lines, batch.skipped) == (3, 1)
    assert requests(batch, "rank", "day") == [(0, datetime(2026, 5, 1, tzinfo=UTC).date())] * 2


@pytest.mark.parametrize(
    ("delimiter", "newline", "start"), [(",", "\n", "\ufeff"), (";", "\r\n", ""), ("\t", "\r\n", "\ufeff"), ("|", "\n", "")]
)
def test_delimiters_line_endings_and_byte_order_marks_make_no_difference(file: Path, delimiter: str, newline: str, start: str):
    file.write_text(start + USAGE.replace(",", delimiter).replace("\n", newline), newline="")

    assert requests(read(Table(), file), "request_id", "output_tokens") == [("r-1", 7), ("r-2", 0)]


@pytest.mark.parametrize("start", ["\n", "sep=;\n", "\ufeffSEP=;\r\n", "\r\n \n"])
def test_lines_before_the_names_are_no_rows_and_count(file: Path, start: str):
    file.write_text(start + USAGE.replace(",", ";") + "r-3;2\n")

    batch = read(Table(), file)

    assert requests(batch, "request_id", "input_tokens") == [("r-1", 100), ("r-2", 0)]
    assert [line for line, _ in rejects(batch)] == [start.count("\n") + 4]


def test_json_lines_csv_and_parquet_say_the_same(tmp_path: Path):
    rows = [
        {"request_id": "r-1", "started_at": "2026-05-01 10:00:00", "input_tokens": 100, "tags": ["a", "b"], "is_streaming": True},
        {"request_id": "r-2", "started_at": "2026-05-01 10:00:01", "input_tokens": 3, "tags": None, "is_streaming": None},
    ]
    lines = json_lines(tmp_path / "a.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    text = tmp_path / "a.csv"
    text.write_text(
        "request_id,started_at,input_tokens,tags,is_streaming\n"
        'r-1,2026-05-01 10:00:00,100,"a,b",true\n'
        "r-2,2026-05-01 10:00:01,3,,\n"
    )

    found = [read(Table(), path).requests.drop(["source_file"]) for path in (lines, text, tmp_path / "a.parquet")]

    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
    assert found[0]["tags"].to_pylist() == [["a", "b"], None]


def test_parquets_own_types_are_read(tmp_path: Path):
    at = datetime(2026, 5, 1, 10, tzinfo=UTC)
    table = pa.table(
        {
            "started_at": pa.array([at], pa.timestamp("ns", "Europe/Berlin")),
            "input_tokens": pa.array([12.0], pa.float64()),
            "model": pa.array(["m"]).dictionary_encode(),
            "reported_cost_usd": pa.array([Decimal("0.25")], pa.decimal128(10, 2)),
            "user_id": pa.array([17], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")

    batch = read(Table(), tmp_path / "a.parquet")

    assert requests(batch, "started_at", "input_tokens", "model", "reported_cost_usd", "user_id") == [
        (at, 12, "m", Decimal("0.25"), "17")
    ]


def test_a_mapping_names_columns_constants_units_and_words(file: Path, tmp_path: Path):
    file.write_text("when;in;read;write;out;think;took;cents;result;region\n1777629600123;10;30;5;7;3;1.5;12;OK;eu\n")
    table = mapped(
        tmp_path,
        """
        source = "gateway"
        input_includes_cache_read = false
        input_includes_cache_write = false
        output_includes_reasoning = false
        time_unit = "ms"
        duration_unit = "s"
        cost_unit = "cents"
        attributes = ["region"]
        [columns]
        started_at = "when"
        input_tokens = "in"
        cache_read_tokens = "read"
        cache_write_tokens = "write"
        output_tokens = "out"
        output_reasoning_tokens = "think"
        duration_ms = "took"
        reported_cost_usd = "cents"
        status = "result"
        [constants]
        provider = "azure"
        is_batch = true
        [statuses]
        ok = "success"
        """,
    )

    batch = read(table, file)

    assert rejects(batch) == []
    assert requests(batch, "source", "provider", "is_batch", "status", "attributes") == [
        ("gateway", "azure", True, "success", '{"region":"eu"}')
    ]
    assert requests(batch, "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens") == [(45, 30, 5, 10)]
    assert requests(batch, "duration_ms", "reported_cost_usd") == [(1500.0, Decimal("0.12"))]
    assert requests(batch, "started_at") == [(datetime(2026, 5, 1, 10, 0, 0, 123000, tzinfo=UTC),)]


@pytest.mark.parametrize(
    ("unit", "text", "usd"),
    [("usd", "1.2e-05", "0.000012"), ("cents", "0.3", "0.003"), ("nano", "1234", "0.000001234"), ("usd", "0.0000000004", "0")],
)
def test_costs_are_exact_to_a_billionth_of_a_dollar(file: Path, tmp_path: Path, unit: str, text: str, usd: str):
    file.write_text(f"t,c\n2026-05-01,{text}\n")
    table = mapped(tmp_path, f'cost_unit = "{unit}"\n[columns]\nstarted_at = "t"\nreported_cost_usd = "c"\n')

    assert requests(read(table, file), "reported_cost_usd") == [(Decimal(usd),)]


def test_fields_within_objects_of_json_lines_have_dots(tmp_path: Path):
    file = json_lines(tmp_path / "a.jsonl", [{"at": 1777629600, "usage": {"prompt": {"n": 4}}, "a.b": "m"}])
    table = mapped(tmp_path, '[columns]\nstarted_at = "at"\ninput_tokens = "usage.prompt.n"\nmodel = "a.b"\n')

    assert requests(read(table, file), "input_tokens", "model") == [(4, "m")]


def test_a_number_of_more_digits_than_python_reads_is_refused(tmp_path: Path):
    first = '{"request_id": "a", "started_at": "2026-05-01T10:00:00Z", "model": "m"}'
    file = json_lines(tmp_path / "a.jsonl", [first, first.replace('"m"', f'"m", "reported_cost_usd": {"9" * 5_000}')])

    assert [(line, "reported_cost_usd is" in why) for line, why in rejects(read(Table(), file))] == [(2, True)]


def test_a_field_may_first_come_in_a_later_line(tmp_path: Path):
    lines = [{"at": 1777629600}] * 20_000 + [{"at": 1777629600, "failure": "Timeout"}]
    table = mapped(tmp_path, '[columns]\nstarted_at = "at"\nerror_class = "failure"\n')

    batch = read(table, json_lines(tmp_path / "a.jsonl", lines))

    assert batch.requests["error_class"].drop_null().to_pylist() == ["Timeout"]


def test_an_http_status_tells_the_outcome_where_nothing_else_does(file: Path):
    file.write_text("started_at,model,http_status\n" + "".join(f"2026-05-01,m,{code}\n" for code in (200, 429, 499, 0)))

    assert requests(read(Table(), file), "status", "http_status") == [
        ("success", 200),
        ("error", 429),
        ("cancelled", 499),
        (None, None),
    ]


TEXTS = st.text(st.sampled_from(' !"a0é\t\r\n\0\x1f\x7f\u00a0🙂'), max_size=6)


@given(texts=st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=8))
def test_a_text_is_read_alike_whatever_texts_are_read_with_it(texts: list[str | None]):
    def cleaned(text: str | None) -> str | None:
        return (text or "").replace("\0", "").strip(" \t\r\n") or None

    with TemporaryDirectory() as folder:
        rows = [{"started_at": "2026-05-01", "model": "m", "app": text} for text in texts]
        batch = read(Table(), json_lines(Path(folder) / "a.jsonl", rows))

    assert batch.requests["app"].to_pylist() == [cleaned(text) for text in texts]


def test_negative_durations_are_not_measured(file: Path):
    file.write_text("started_at,model,duration_ms,ttft_ms\n2026-05-01,m,-1,nan\n")

    assert requests(read(Table(), file), "duration_ms", "ttft_ms") == [(None, None)]


def test_a_mapped_rank_keeps_the_later_version(file: Path, tmp_path: Path):
    file.write_text("id,t,status,changed\na,2026-05-01,error,2026-05-01T10:00:00Z\na,2026-05-01,success,2026-05-01T10:05:00Z\n")
    table = tmp_path / "mapping.toml"
    table.write_text('[columns]\nrequest_id = "id"\nstarted_at = "t"\nstatus = "status"\nrank = "changed"\n')

    report = ingest([file], Lake(tmp_path / "lake"), mapping=table)

    stored = pq.read_table(list(Lake(tmp_path / "lake").snapshot().files()), partitioning=None)
    assert (report.inserted, report.duplicates, stored["status"].to_pylist()) == (1, 1, ["success"])


# ---- a row without an id


def test_a_row_without_an_id_is_known_by_its_files_beginning_and_its_number(tmp_path: Path):
    rows = "t,n\n2026-05-01 10:00:00,1\n2026-05-01 10:00:00,1\n"
    first, renamed, grown, packed = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv", "d.csv.gz"))
    first.write_text(rows)
    renamed.write_text(rows.replace("\n", "\r\n"), newline="")
    grown.write_text(rows + "2026-05-02,5\n")
    packed.write_bytes(gzip.compress(rows.encode()))
    other = tmp_path / "other" / "a.csv"
    other.parent.mkdir()
    other.write_text("t,n\n2026-05-03 10:00:00,1\n")
    table = mapped(tmp_path, '[columns]\nstarted_at = "t"\ninput_tokens = "n"\n')

    ids = [read(table, path).requests["request_id"].to_pylist() for path in (first, renamed, packed, grown, other)]

    assert ids[0] == ids[1] == ids[2] == ids[3][:2]
    assert len({*ids[3], *ids[4]}) == 4


def test_rows_that_are_rejected_do_not_shift_the_ids_of_others(tmp_path: Path):
    rows = [f"2026-05-01,{number}" for number in range(1, 7)]
    damaged = [*rows[:2], "2026-05-01", "yesterday,4", *rows[4:]]
    table = mapped(tmp_path, '[columns]\nstarted_at = "t"\ninput_tokens = "n"\n')
    found = []
    for name, lines in (("a.csv", rows), ("b.csv", damaged)):
        (tmp_path / name).write_text("\n".join(["t,n", *lines]))
        found.append(dict(requests(read(table, tmp_path / name), "input_tokens", "request_id")))

    assert [found[1][number] for number in (1, 2, 5, 6)] == [found[0][number] for number in (1, 2, 5, 6)]
    assert rejects(read(table, tmp_path / "b.csv")) == [
        (
            4,
            "This row has 1 fields and the header 2: it was cut off, or a delimiter or a quotation mark in it is not escaped.",
        ),
        (
            5,
            'started_at (column t) is "yesterday": that is no time. Write it as 2026-11-23T14:32:00Z, or as a number since 1970.',
        ),
    ]


# ---- what is wrong


def test_a_mapping_that_names_no_such_column_is_told_the_columns_there_are(file: Path, tmp_path: Path):
    file.write_text("TIMESTAMP,ContextTokens\n2026-05-01,3\n")
    table = mapped(tmp_path, '[columns]\nstarted_at = "TIMESTAMP"\ninput_tokens = "PromptTokens"\n')

    assert rejects(read(table, file)) == [
        (
            None,
            "The file has no column 'PromptTokens', which the mapping names for input_tokens. "
            "Its columns are TIMESTAMP, ContextTokens.",
        )
    ]


def test_a_json_field_that_is_nowhere_is_told_too(tmp_path: Path):
    file = json_lines(tmp_path / "a.jsonl", [{"at": 1777629600, "usage": {"n": 1}}])
    table = mapped(tmp_path, '[columns]\nstarted_at = "at"\ninput_tokens = "usage.m"\n')

    assert rejects(read(table, file)) == [
        (None, "The file has no column 'usage.m', which the mapping names for input_tokens. Its columns are at, usage, usage.n.")
    ]


@pytest.mark.parametrize("text", ["time,tokens\n1,2\n", '{"time": 1, "tokens": 2}\n'])
def test_a_table_without_a_time_needs_a_mapping(file: Path, text: str):
    file.write_text(text)

    assert rejects(read(Table(), file)) == [
        (
            None,
            "The file has no column started_at. Its columns are time, tokens. "
            "Say in a mapping which of them holds the time, and pass it with --mapping.",
        )
    ]


def test_names_and_words_may_hold_any_character(file: Path, tmp_path: Path):
    file.write_text("""t'1;"{raw}",how's it\n2026-05-01;5;{ok} isn't it\n2026-05-01;x;{OK} isn't it\n""".replace(",", ";"))
    table = mapped(
        tmp_path,
        """
        [columns]
        started_at = "t'1"
        input_tokens = "{raw}"
        status = "how's it"
        [constants]
        model = "it's {parsed} -- $1"
        [statuses]
        "{ok} isn't it" = "success"
        """,
    )

    batch = read(table, file)

    assert requests(batch, "input_tokens", "status", "model") == [(5, "success", "it's {parsed} -- $1")]
    assert rejects(batch) == [
        (3, 'input_tokens (column {raw}) is "x": a count is a whole number. Correct the log, or leave the value empty.')
    ]


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("input_tokens", "-5", "a count cannot be negative. Correct the log, or leave the value empty."),
        ("input_tokens", "1e11", "no request has more than 10,000,000,000 tokens. Correct the log, or leave the value empty."),
        ("input_tokens", "12.5", "a count is a whole number. Correct the log, or leave the value empty."),
        ("input_tokens", "NaN", "a count is a whole number. Correct the log, or leave the value empty."),
        ("output_tokens", "many", "a count is a whole number. Correct the log, or leave the value empty."),
        ("reported_cost_usd", "-0.1", "a cost cannot be negative. Leave credits out, or the value empty."),
        ("reported_cost_usd", "nan", "a cost is a number without a currency sign, or empty."),
        ("reported_cost_usd", "$1.20", "a cost is a number without a currency sign, or empty."),
        ("reported_cost_usd", "2000000", "no request costs more than 1,000,000 USD. Check the unit: cost_unit in the mapping."),
        ("reported_cost_usd", "1e30", "no request costs more than 1,000,000 USD. Check the unit: cost_unit in the mapping."),
        ("duration_ms", "fast", "a duration is a number, or empty."),
        ("duration_ms", "9e9", "that is more than 30 days. Check the unit: duration_unit in the mapping."),
        ("is_streaming", "maybe", "it has to be true or false, or empty."),
        ("http_status", "teapot", "an HTTP status is a number such as 200, or empty."),
        (
            "status",
            "odd",
            "a status is success, error or cancelled. Say under [statuses] in a mapping which of them this one means.",
        ),
    ],
)
def test_a_value_that_cannot_be_is_rejected_with_a_cure(file: Path, column: str, text: str, reason: str):
    file.write_text(f"started_at,model,{column}\n2026-05-01,m,{text}\n2026-05-01,n,\n2026-05-01,o,NULL\n")

    batch = read(Table(), file)

    assert rejects(batch) == [(2, f'{column} is "{text}": {reason}')]
    assert batch.requests["model"].to_pylist() == ["n", "o"]
    assert json.loads(batch.rejects["raw"][0].as_py())[column] == text


def test_cache_tokens_above_the_input_are_rejected_with_the_option_that_helps(file: Path):
    file.write_text("started_at,input_tokens,cache_read_tokens,cache_write_tokens\n2026-05-01,100,90,20\n")

    assert rejects(read(Table(), file)) == [
        (
            2,
            "cache_read_tokens and cache_write_tokens are together 110, more than the 100 of input_tokens around it. "
            "If this log counts them apart, a mapping says so: input_includes_cache_read or input_includes_cache_write = false.",
        )
    ]


def test_an_empty_request_id_is_rejected(file: Path):
    file.write_text("request_id,started_at,model\n,2026-05-01,m\n" + "x" * 1001 + ",2026-05-01,m\n")

    assert rejects(read(Table(), file)) == [
        (2, "request_id is empty: a request needs an id of its own."),
        (3, "request_id is longer than 1,000 characters."),
    ]


def test_a_quotation_mark_that_does_not_end_leaves_the_rows_before_it(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("usagecost.sources.delimited.TOGETHER_BYTES", 1 << 12)
    file.write_text("started_at,model\n2026-05-01,m\n" * 1 + '2026-05-01,"n\n' + "2026-05-01,o\n" * 2_000)

    batch = read(Table(), file)

    assert batch.requests.num_rows == 1
    assert rejects(batch) == [
        (None, "The file cannot be read after row 2: a field in quotation marks does not end. Correct the file there.")
    ]


def test_the_objects_of_a_json_array_are_read_like_lines(tmp_path: Path):
    file = tmp_path / "a.json"
    file.write_text(
        '[{"started_at": "2026-05-01", "output_tokens": 2},\n {"started_at": "2026-05-02",\n  "output_tokens": -1}\n]\n'
    )

    batch = read(Table(), file)

    assert requests(batch, "day", "output_tokens") == [(date(2026, 5, 1), 2)]
    assert rejects(batch) == [(2, 'output_tokens is "-1": a count cannot be negative. Correct the log, or leave the value empty.')]


def test_a_table_is_recognised_by_the_records_column_names(file: Path, tmp_path: Path):
    file.write_text(USAGE)
    other = tmp_path / "other.csv"
    other.write_text("time,tokens\n1,2\n")

    assert Table().recognise(Head.of(other)) is None
    assert Table().recognise(Head.of(file)) == (
        "a table with the record's columns request_id, started_at, provider, model, status, "
        "input_tokens, cache_read_tokens, output_tokens, reported_cost_usd"
    )


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs")
def test_azures_production_traces_have_their_known_totals(tmp_path: Path):
    folder = Path(os.environ["USAGECOST_REAL_DATA"]) / "azure-llm-inference-2023"
    table = mapped(
        tmp_path,
        '[columns]\nstarted_at = "TIMESTAMP"\ninput_tokens = "ContextTokens"\noutput_tokens = "GeneratedTokens"\n',
    )

    batch = read(table, *sorted(folder.glob("*.csv")))

    totals = sum_of(batch.requests, "input_tokens"), sum_of(batch.requests, "output_tokens")
    assert (batch.requests.num_rows, *totals) == (28_185, 40_421_844, 4_334_561)
    assert len(set(batch.requests["request_id"].to_pylist())) == 28_185
    assert str(min(batch.requests["started_at"].to_pylist())) == "2023-11-16 18:15:46.680590+00:00"
