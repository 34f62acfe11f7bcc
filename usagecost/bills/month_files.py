"""The statement of a closed month as CSV, Parquet and HTML: the same bytes whenever it is made again.

One row = a line: what the requests of a team, key, app and model were in the month (`usage`), what has changed of an earlier month
(`correction`), or what a team bears of shared costs (`allocated`). What a rule shares is taken from those who had it by a row with
an amount below 0, so all rows add up to the statement. `spend_usd` is exact, `amount_usd` in cents, `amount` in the currency;
they are NULL where no cost is known, and lower bounds where `is_lower_bound` says so.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from usagecost import schema
from usagecost.bills.closes import CORRECTION, USAGE
from usagecost.bills.corrections import COUNTS, KEYS
from usagecost.bills.month_page import html_of
from usagecost.bills.monthly import MonthStatement
from usagecost.bills.owed import Amount, Line, Owed
from usagecost.exports import csv_text

ALLOCATED = "allocated"
_COUNTS = tuple(name for name in COUNTS if name != "priced_requests")

COLUMNS = pa.schema(
    [
        *((name, schema.TEXT) for name in ("month", "kind", "of_month", "cause", "team", "key")),
        *((name, schema.TEXT) for name in KEYS),
        ("shared_by", schema.TEXT),
        *((name, schema.COUNT) for name in _COUNTS),
        ("spend_usd", schema.CLOSES.field("spend_usd").type),
        ("amount_usd", pa.decimal128(38, 2)),
        ("currency", schema.TEXT),
        ("amount", pa.decimal128(38, 3)),
        ("is_lower_bound", schema.FLAG),
    ]
)
"""The columns of both files. ``team`` and ``key`` are what ids were called, ``shared_by`` is the rule that shares the costs."""


def csv_of(statement: MonthStatement) -> bytes:
    """Returns the statement as CSV."""
    import pandas as pd  # takes half of the time in which a command starts

    return csv_text(pd.DataFrame(list(_rows(statement)), columns=COLUMNS.names, dtype=object)).encode()


def parquet_of(statement: MonthStatement) -> bytes:
    """Returns the statement as a Parquet file; what the close was made with stands in its metadata."""
    close = statement.close
    about = {"closed_at": close.at.isoformat(), "closed_by": close.act["who"], "zone": close.act["zone"], **close.made_with}
    rate = {"rate": statement.rate.words} if statement.rate else {}
    columns = COLUMNS.with_metadata({"usage-cost": json.dumps(about | rate, sort_keys=True)})
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(_rows(statement)), columns), file, compression="zstd", version="2.6")
    return file.getvalue()


FORMS: dict[str, Callable[[MonthStatement], bytes]] = {
    "csv": csv_of,
    "parquet": parquet_of,
    "html": lambda statement: html_of(statement).encode(),
}
"""The end of a file's name -> what makes its content."""


def file_name(statement: MonthStatement, kind: str) -> str:
    """Returns what a file of the statement is called: ``statement_2026-10_europe-berlin_eur.csv``."""
    zone = statement.close.act["zone"].replace("/", "-")
    return f"statement_{statement.close.month:%Y-%m}_{zone}_{statement.currency}.{kind}".lower()


def _rows(statement: MonthStatement) -> Iterator[dict[str, Any]]:
    about = dict.fromkeys(COLUMNS.names) | {"month": f"{statement.close.month:%Y-%m}", "currency": statement.currency}
    for line in statement.lines:
        yield about | _line(statement, line)
    for pool in statement.pools:
        shared = {"kind": ALLOCATED, "shared_by": pool.rule.name}
        if pool.shares:
            moved = Amount(-pool.owed.whole.usd, -pool.owed.whole.other)
            yield about | shared | _amounts(Owed(moved, pool.owed.sums))
        for team, share in pool.shares.items():
            yield about | shared | {"team": statement.name("team", team), "team_id": team} | _amounts(share)


def _line(statement: MonthStatement, line: Line) -> dict[str, Any]:
    ids = dict(zip(KEYS, line.group, strict=True))
    changed = {"of_month": f"{line.month:%Y-%m}", "cause": line.cause} if line.cause else {}
    return {
        "kind": CORRECTION if line.cause else USAGE,
        **changed,
        "team": statement.name("team", ids["team_id"]),
        "key": statement.name("key", ids["virtual_key"]),
        **ids,
        "shared_by": line.bearer.rule,
        **{name: line.sums[name] for name in (*_COUNTS, "spend_usd")},
        **_amounts(line.owed),
    }


def _amounts(owed: Owed) -> dict[str, Any]:
    amount = owed.known
    return {"amount_usd": amount.usd, "amount": amount.other, "is_lower_bound": owed.is_at_least} if amount else {}
