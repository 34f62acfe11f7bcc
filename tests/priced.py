"""Requests priced as an ingest prices them: one table, one call."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tests.source_rows import database
from usagecost.pricing import with_prices
from usagecost.schema import REQUESTS

Price = tuple[Decimal | None, str, str | None]

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def table_of(*requests: dict[str, Any]) -> pa.Table:
    """Canonical rows; what a request does not say is NULL, its time is noon."""
    rows = [{"request_id": f"{i:09}", "source": "test", "started_at": NOON, **request} for i, request in enumerate(requests)]
    return pa.Table.from_pylist(rows, pa.schema([field.with_nullable(True) for field in REQUESTS]))


def priced(table: pa.Table) -> pa.Table:
    with database().cursor() as con:
        con.register("staged", table)
        return con.sql(with_prices(con, "staged")).to_arrow_table()


def prices(*requests: dict[str, Any]) -> list[Price]:
    """Cost, status and price id of each request."""
    found = priced(table_of(*requests)).sort_by("request_id").select(["list_cost_usd", "price_status", "price_id"])
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def price(**request: Any) -> tuple[Decimal | None, str]:
    """Cost and status of one request."""
    return prices(request)[0][:2]
