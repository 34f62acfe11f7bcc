"""What the cost of one request is made of: the tokens of each kind, at the rate that holds for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from usagecost.engine import open_lake
from usagecost.pricebook import current_book
from usagecost.pricing import with_parts
from usagecost.queries.requests import moment
from usagecost.schema import REQUESTS

KINDS = {
    "input": "Input",
    "cache_read": "Cache read",
    "cache_write": "Cache write",
    "cache_write_1h": "Cache write, 1 h",
    "input_audio": "Audio input",
    "input_image": "Image input",
    "cache_audio_read": "Cache read, audio",
    "cache_image_read": "Cache read, images",
    "output": "Output",
    "output_reasoning": "Reasoning",
    "output_audio": "Audio output",
    "output_image": "Image output",
    "pieces": "Searches, seconds and other units",
    "request": "The request itself",
}


class CostPart(NamedTuple):
    """A kind of tokens that is billed: how many, USD a million of them, USD. What is no tokens has neither of the first two."""

    kind: str
    tokens: int | None
    usd_per_mtok: Decimal | None
    cost_usd: Decimal


def cost_parts(request: dict[str, Any], lake: str) -> list[CostPart]:
    """The parts of a request's cost; none where no price is known.

    Tokens of a kind that has a rate of its own are not counted in the kind they are a part of, so the rows add up.
    """
    row = {name: request.get(name) for name in REQUESTS.names}
    row |= {"started_at": moment(request["instant_us"]), "ingested_at": None}
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.register("one_request", pa.Table.from_pylist([row], schema=REQUESTS))
        connection.execute("PRAGMA disable_optimizer")  # a third of the time, for a plan that is for one row
        sql = with_parts(connection, "one_request", current_book(open_lake(lake)).book)
        parts = connection.execute(sql).fetchall()  # a relation would be planned twice
    return [CostPart(KINDS.get(kind, kind), *amounts) for _, _, kind, *amounts in parts]
