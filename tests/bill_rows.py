"""Lines of bills and our side of them, for tests: told in few words, the rest as an ordinary day has it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from usagecost import schema
from usagecost.bills import Loaded, load_files, statement_files
from usagecost.bills.sides import Ours
from usagecost.lake import Lake

PROVIDER, MODEL, DAY = "openai", "gpt-x", date(2026, 11, 3)
TOKEN_KINDS = ("input", "cache_read", "cache_write", "output")
LATER = datetime(2026, 12, 31, tzinfo=UTC)


def usd(amount: str | Decimal) -> Decimal:
    """An amount."""
    return Decimal(amount)


def line(amount: str | Decimal, meter: str | None = "input", quantity: Any = None, **told: Any) -> dict[str, Any]:
    """A line of a bill about one day, made long after it."""
    first = told.pop("day", None) or told.get("first_day", DAY)
    said = {"statement": "a", "format": "test", "provider": PROVIDER, "kind": "usage", "currency": "USD", "model": MODEL}
    days = {"first_day": first, "last_day": first, "covers_first": date(2026, 11, 1), "covers_last": date(2026, 11, 30)}
    rest = {"as_of": LATER, "loaded_at": LATER, "source_file": "bill.json", "line": 1, "meter": meter, "unit": "tokens"}
    amounts = {"amount": usd(amount), "quantity": None if quantity is None else usd(str(quantity))}
    return dict.fromkeys(schema.BILLS.names) | said | days | rest | amounts | told


def load_bill(lake: Lake, path: Path, **about: Any) -> Loaded:
    """Loads the one statement that a file is a part of."""
    (files,) = statement_files([path])
    return load_files(lake, files, **about)


def written(folder: Path, content: Any, name: str = "bill.json") -> Path:
    """A file of this content: text, or what JSON writes."""
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def bill(*lines: dict[str, Any]) -> pa.Table:
    """Lines as the lake keeps them."""
    return pa.Table.from_pylist(list(lines), schema.BILLS)


def ours(costs: dict[str, str | Decimal], tokens: dict[str, int] | None = None, **told: Any) -> Ours:
    """Requests of a model on a day, by kind of tokens what they cost and how many there are."""
    of_kinds = tuple(usd(costs.get(name, "0")) for name in (*TOKEN_KINDS, "other"))
    counts = tuple((tokens or {}).get(name, 0) for name in TOKEN_KINDS)
    spend = sum(of_kinds, Decimal(0))
    one = Ours(DAY, PROVIDER, MODEL, None, 10, 0, spend, spend, of_kinds, counts, (0, 0, 0, 0))
    return one._replace(**told)


def billed(logged: Iterable[Ours], *, tells_quantities: bool = True) -> list[dict[str, Any]]:
    """The lines of a bill that agrees with our requests."""
    found = []
    for one in logged:
        about = {"day": one.day, "provider": one.provider, "model": one.model, "key": one.scope}
        for name, cost, count in zip(TOKEN_KINDS, one.costs, one.tokens, strict=False):
            if cost or count:
                found.append(line(cost, name, count if tells_quantities else None, **about))
        if one.costs[-1]:
            found.append(line(one.costs[-1], "web_searches", 1, **about))
    return found
