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


NANOS = pa.array([Decimal("1234.000000001"), Decimal(0), Decimal("-0.000000001")], pa.decimal128(38, 9))


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        pytest.param(
            frame(model=pa.array(["a", "b", "c"]), requests=pa.array([9_007_199_254_740_993, 0, -1]), spend_usd=NANOS),
            "model,requests,spend_usd\na,9007199254740993,1234.000000001\nb,0,0.000000000\nc,-1,-0.000000001\n",
            id="numbers leave in full",
        ),
        pytest.param(
            frame(tokens=pa.array([9_007_199_254_740_993, None]), rate=pa.array([0.1, None])),
            "tokens,rate\n9007199254740993,0.1\n,\n",
            id="what is unknown is empty and spoils no other number",
        ),
        pytest.param(
            pd.DataFrame([("a", 9_007_199_254_740_993), (None, None)], columns=["team", "tokens"], dtype=object),
            "team,tokens\na,9007199254740993\n,\n",
            id="whole numbers stay whole beside unknown ones",
        ),
        pytest.param(
            frame(model=pa.array([], pa.string()), requests=pa.array([], pa.int64())), "model,requests\n", id="no rows are a header"
        ),
        pytest.param(frame(model=pa.array(["gpt-4o+a=b@c"])), "model\ngpt-4o+a=b@c\n", id="a sign inside a name stays"),
        pytest.param(
            frame(user=pa.array(["ann\r=cmd()", "bob\r\n=cmd()"]), requests=pa.array([1, -2])),
            'user,requests\n"ann\n=cmd()",1\n"bob\n=cmd()",-2\n',
            id="no name can begin a row of its own",
        ),
    ],
)
def test_a_table_as_csv(numbers: pd.DataFrame, text: str):
    assert csv_text(numbers) == text


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")), min_size=1))
def test_any_text_arrives_as_it_was_but_for_the_apostrophe(texts: list[str]):
    rows = read(csv_text(frame(name=pa.array(texts), number=pa.array(range(len(texts))))))[1:]

    assert rows == [[f"'{text}" if text.startswith(FORMULA_STARTS) else text, str(i)] for i, text in enumerate(texts)]
    assert not any(name.startswith(FORMULA_STARTS) for name, _ in rows)
