"""Requests with their prices, and with no reported cost of 0 where nobody has worked one out.

Gateways and tracers write a cost of 0 where they know no price. A model that has a price costs nothing only if the log says why: it
was called as a free variant, the gateway answered from its own cache, or the request failed. Of a model that has none, such as one
on machines of one's own, 0 is what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.pricing import Book, resolve, with_prices

FREE_VARIANT = ":free"


def priced(con: duckdb.DuckDBPyConnection, table: str, book: Book, also: Sequence[str] = ()) -> pa.Table:
    """Every row of a table of canonical requests with its price columns filled; `also` names other columns that are wanted.

    A reported cost of 0 becomes NULL where the model has a price and the log does not say that the request was free.
    """
    requests = con.sql(with_prices(con, table, book, also)).to_arrow_table()
    costs = requests["reported_cost_usd"]
    is_doubtful = pc.fill_null(pc.equal(costs, pa.scalar(Decimal(0), costs.type)), fill_value=False)
    if not pc.any(is_doubtful).as_py():
        return requests
    for is_free in (
        pc.is_in(requests["status"], pa.array(["error", "cancelled"])),
        pc.fill_null(requests["is_gateway_cache_hit"], fill_value=False),
        pc.fill_null(pc.ends_with(requests["model"], FREE_VARIANT, ignore_case=True), fill_value=False),
    ):
        is_doubtful = pc.and_not(is_doubtful, is_free)
    is_wrong = pc.and_(is_doubtful, _has_price(requests, is_doubtful, book))
    return requests.set_column(
        requests.column_names.index("reported_cost_usd"), "reported_cost_usd", pc.if_else(is_wrong, None, costs)
    )


def _has_price(requests: pa.Table, needs_price: pa.ChunkedArray, book: Book) -> pa.ChunkedArray:
    """Whether the models of some requests have a price: they cost something, or would if the log said how much they used."""
    costs = requests["list_cost_usd"]
    is_unknown = pc.and_(needs_price, pc.is_null(costs))
    names = requests.select(["provider", "model"]).filter(is_unknown).group_by(["provider", "model"]).aggregate([]).to_pylist()
    has_price = pc.fill_null(pc.greater(costs, pa.scalar(Decimal(0), costs.type)), fill_value=False)
    for name in names:
        if name["model"] is not None and _is_sold(name["provider"], name["model"], book):
            is_this = pc.equal(requests["model"], name["model"])
            is_its = (
                pc.is_null(requests["provider"]) if name["provider"] is None else pc.equal(requests["provider"], name["provider"])
            )
            has_price = pc.or_(has_price, pc.fill_null(pc.and_(is_unknown, pc.and_(is_this, is_its)), fill_value=False))
    return has_price


def _is_sold(provider: str | None, model: str, book: Book) -> bool:
    match = resolve(provider, model)
    return match is not None or any(entry.fits(provider, model, match) for entry in (*book.prices, *book.aliases))
