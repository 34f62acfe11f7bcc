"""What mappings say beyond one column each: several places, fields, steps, expressions, skipped rows, variants of a file."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.source_rows import Row, json_lines, read, rejects, requests
from usagecost.sources import SOURCES, Head
from usagecost.sources.expressions import check_expressions
from usagecost.sources.mapped import Mapped, mapped_by
from usagecost.sources.mapping import MappingProblem, mapping_of

TIME = {"started_at": "at"}
AT = "2026-05-01T10:00:00Z"


def mapped(columns: dict[str, Any], **keys: Any) -> Mapped:
    return mapped_by(mapping_of({"columns": TIME | columns, **keys}))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log"


def written(file: Path, form: str, rows: list[Row]) -> Path:
    """Rows as a file of a form; objects in a table are JSON."""
    if form == "json":
        return json_lines(file, rows)
    flat = [{name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()} for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if form == "parquet":
        pq.write_table(
            pa.table({name: [None if row.get(name) is None else str(row[name]) for row in flat] for name in names}), file
        )
        return file
    with file.open("w", newline="") as text:
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(flat)
    return file


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_places_fields_steps_and_expressions_say_the_same_of_every_form(file: Path, form: str):
    rows = [
        {"at": AT, "meta": {"user": "ada", "id": ""}, "prompt": 100, "cached": 40, "kind": "call", "name": "GPT"},
        {"at": AT, "meta": {"id": "7", "user": "bob"}, "prompt": 5, "cached": 40, "kind": "call", "name": None},
        {"at": AT, "meta": {}, "prompt": 1, "cached": 0, "kind": "ping", "name": None},
    ]
    source = mapped(
        {
            "user_id": ["meta.id", "meta.user"],
            "model": {"sql": "lower(name)"},
            "input_tokens": {"column": "prompt", "sql": "CASE WHEN is_apart THEN sent + read ELSE sent END"},
            "cache_read_tokens": "cached",
            "units.web_searches": {"sql": "CASE WHEN is_apart THEN 2 END"},
        },
        fields={"prompt": "prompt", "cached": "cached", "name": "name", "kind": "kind"},
        steps={"sent": "TRY_CAST(prompt AS BIGINT)", "read": "TRY_CAST(cached AS BIGINT)", "is_apart": "sent < read"},
        attributes={"label": "name", "share": {"sql": "read / sent"}},
        skipped={"a sign of life": "kind = 'ping'"},
        input_includes_cache_read=True,
    )

    batch = read(source, written(file, form, rows))

    assert rejects(batch) == []
    assert requests(batch, "user_id", "model", "input_tokens", "cache_read_tokens", "units") == [
        ("ada", "gpt", 100, 40, None),
        ("7", None, 45, 40, [("web_searches", Decimal(2))]),
    ]
    assert [json.loads(text) for text in batch.requests["attributes"].to_pylist()] == [
        {"label": "GPT", "share": 0.4},
        {"share": 8.0},
    ]
    assert batch.skips[(str(file), "a sign of life")] == 1


def test_what_may_stand_under_another_object_is_found_in_both_places(file: Path):
    source = mapped({"model": "m", "app": ["a", "b"]}, under="data", recognise=["at|data.at"])
    rows = [{"at": AT, "m": "x", "b": "1"}, {"data": {"at": AT, "m": "y", "a": "2"}}]

    assert requests(read(source, json_lines(file, rows)), "model", "app") == [("x", "1"), ("y", "2")]


@pytest.mark.parametrize(
    ("rows", "costs"),
    [
        ([{"at": AT, "m": "x", "cost": 2_000_000_000}, {"at": AT, "m": "x", "cost": 5}], ["2", "0.000000005"]),
        ([{"at": AT, "m": "x", "cost": 2}, {"at": AT, "m": "x", "cost": 0.25}], ["2", "0.25"]),
        ([{"at": AT, "m": "x", "cost": 2, "api": 1}], ["2"]),
    ],
)
def test_a_variant_is_for_files_with_some_names_or_with_fractions(file: Path, rows: list[Row], costs: list[str]):
    source = mapped(
        {"reported_cost_usd": "cost", "model": "m"},
        recognise=["cost"],
        cost_unit="nano",
        variants=[{"names": ["api", "!nano"], "cost_unit": "usd"}, {"fraction": "cost", "cost_unit": "usd"}],
    )

    assert requests(read(source, json_lines(file, rows)), "reported_cost_usd") == [(Decimal(cost),) for cost in costs]


def test_a_file_of_a_recognised_format_may_lack_columns_and_says_what_matters(file: Path):
    source = mapped({"model": "m", "input_tokens": "n", "status": "s"}, recognise=[["at", "a|b"]], title="Mesh logs")
    path = json_lines(file, [{"at": AT, "b": 1, "n": 5, "s": "ok"}])

    assert source.recognise(Head.of(path)) == "Mesh logs: at, b"
    assert source.recognise(Head.of(json_lines(file.with_name("other"), [{"at": AT, "c": 1}]))) is None
    assert [reason.split(":")[0] for _, reason in rejects(read(source, path))] == [
        "The file names no model in any of its 1 requests"
    ]


def test_counts_that_an_expression_is_made_of_are_read_as_the_column_writes_them(file: Path):
    file.write_text("at;n\n2026-05-01;12.000\n2026-05-01;1.234.567\n")
    source = mapped({"input_tokens": {"sql": "n"}}, fields={"n": "n"})

    assert requests(read(source, file), "input_tokens") == [(12_000,), (1_234_567,)]


# ---- what an expression may not do


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("(SELECT max(x) FROM t)", "an expression is a value of one row: it asks no tables and looks at no other rows."),
        ("EXISTS (FROM read_text('/etc/passwd'))", "an expression is a value of one row: it asks no tables"),
        ("row_number() OVER ()", "an expression is a value of one row: it asks no tables and looks at no other rows."),
        ("*", "an expression is a value of one row"),
        ("1) AS a FROM x; DROP TABLE y; --", "an expression has no comments."),
        ("1 /* */", "an expression has no comments."),
        ("1); SELECT (2", "an expression is one value."),
        ("unnest([1, 2])", "unnest does not give one and the same value each time."),
        ("uuid()::VARCHAR", "uuid does not give one and the same value each time."),
        ("getenv('HOME')", "Known are the names"),
        ("sum(TRY_CAST(name AS INTEGER))", "must appear in the GROUP BY clause"),
        ("missing || 'x'", "Known are the names under [fields] and the steps above."),
        ("lower(", "that is no expression of SQL"),
        ("no_such_function(name)", "Known are the names"),
    ],
)
def test_an_expression_is_one_value_of_one_row(sql: str, sentence: str):
    with pytest.raises(MappingProblem) as problem:
        mapped({"model": {"sql": sql}}, fields={"name": "name"})

    assert str(problem.value).startswith("[columns] model: ")
    assert sentence in str(problem.value)


def test_what_an_expression_has_beside_a_comma_stays_in_its_own_value(file: Path):
    source = mapped(
        {"model": {"sql": "pair"}}, steps={"pair": "1, 2"}, attributes={"two": {"sql": "3, 4"}}, skipped={"never": "false OR false"}
    )

    batch = read(source, json_lines(file, [{"at": AT}]))

    assert requests(batch, "model") == [("(1, 2)",)]
    assert len(batch.requests["attributes"].to_pylist()) == 1


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"fields": {"Name": "n"}}, "Name is no name for a field or a step: use small letters, digits and _"),
        ({"steps": {"row": "1"}}, "row is no name for a field or a step"),
        ({"fields": {"n": "n"}, "steps": {"n": "1"}}, "n stands under [fields] and under [steps]: keep one of them."),
        ({"skipped": {"why": "yes("}}, "[skipped] why: that is no expression of SQL"),
        ({"steps": {"a": "b", "b": "1"}}, "[steps] a: "),
    ],
)
def test_a_slip_gets_a_sentence(keys: dict[str, Any], sentence: str):
    with pytest.raises(MappingProblem) as problem:
        mapped({}, **keys)

    assert sentence in str(problem.value)


@pytest.mark.parametrize("source", [source for source in SOURCES if isinstance(source, Mapped)], ids=lambda source: source.name)
def test_the_products_own_mappings_keep_the_rules(source: Mapped):
    check_expressions(source.mapping)
    assert source.mapping.source == source.name


names = st.text(st.sampled_from("ab.'\"[]$ é{}"), min_size=1, max_size=5)


@given(name=names, inner=names, value=st.text(st.sampled_from("ab'\"\\ é"), min_size=1).map(str.strip).filter(bool))
def test_any_name_and_any_text_are_read_as_they_are(name: str, inner: str, value: str):
    """A place within an object is a.b, so that only a name without dots can be split."""
    inner = inner.replace(".", "_")
    outer = "x" + name.replace(".", "_")
    with TemporaryDirectory() as folder:
        path = json_lines(Path(folder) / "a.jsonl", [{"at": AT, outer: {inner: value}, "m" + name: value}])
        batch = read(mapped({"app": f"{outer}.{inner}", "model": "m" + name}, recognise=["at"]), path)

    assert requests(batch, "app", "model") == [(value, value)]
