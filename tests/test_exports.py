from __future__ import annotations

import csv
import io
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usagecost.exports import FORMULA_STARTS, csv_text


def frame(**columns: pa.Array) -> pd.DataFrame:
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_numbers_leave_in_full():
    amounts = pa.array([Decimal("1234.000000001"), Decimal(0), Decimal("-0.000000001")], pa.decimal128(38, 9))
    numbers = frame(model=pa.array(["a", "b", "c"]), requests=pa.array([9_007_199_254_740_993, 0, -1]), spend_usd=amounts)

    assert csv_text(numbers) == (
        "model,requests,spend_usd\na,9007199254740993,1234.000000001\nb,0,0.000000000\nc,-1,-0.000000001\n"
    )


def test_what_is_unknown_is_empty_and_spoils_no_other_number():
    numbers = frame(
        tokens=pa.array([9_007_199_254_740_993, None]), rate=pa.array([0.1, None]), spend_usd=pa.array([Decimal("0.1"), None])
    )

    assert csv_text(numbers) == "tokens,rate,spend_usd\n9007199254740993,0.1,0.1\n,,\n"


def test_whole_numbers_stay_whole_beside_unknown_ones():
    rows = [{"team": "a", "tokens": 9_007_199_254_740_993}, {"team": None, "tokens": None}]

    assert csv_text(pd.DataFrame(rows, dtype=object)) == "team,tokens\na,9007199254740993\n,\n"


def test_no_rows_are_a_header():
    assert csv_text(frame(model=pa.array([], pa.string()), requests=pa.array([], pa.int64()))) == "model,requests\n"


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_formula_is_disarmed_and_a_negative_number_is_not(start: str):
    text = f"{start}HYPERLINK(A1)"

    assert read(csv_text(frame(user=pa.array([text]), change=pa.array([-5]))))[1] == [f"'{text}", "-5"]


def test_a_sign_inside_a_name_stays():
    assert csv_text(frame(model=pa.array(["gpt-4o+a=b@c"]))) == "model\ngpt-4o+a=b@c\n"


def test_no_name_can_begin_a_row_of_its_own():
    text = csv_text(frame(user=pa.array(["ann\r=cmd()", "bob\r\n=cmd()"]), requests=pa.array([1, 2])))

    assert read(text)[1:] == [["ann\n=cmd()", "1"], ["bob\n=cmd()", "2"]]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")), min_size=1))
def test_any_text_arrives_as_it_was_but_for_the_apostrophe(texts: list[str]):
    rows = read(csv_text(frame(name=pa.array(texts), number=pa.array(range(len(texts))))))[1:]

    assert rows == [[f"'{text}" if text.startswith(FORMULA_STARTS) else text, str(i)] for i, text in enumerate(texts)]
    assert not any(name.startswith(FORMULA_STARTS) for name, _ in rows)
