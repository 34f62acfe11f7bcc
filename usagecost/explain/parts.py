"""What an explanation is made of: the requests of one model at one price, in one period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from usagecost.schema import COST_PARTS

KINDS = ("input", "cache read", "cache write", "output", "other")
"""The kinds of tokens, in the order of the parts of a list cost; the last is what is billed by the piece."""

Model = tuple[str | None, str | None]
"""A provider and a model of its."""

ZERO = Decimal(0)


@dataclass(frozen=True)
class Part:
    """Requests of one model at one price in one period.

    ``priced`` requests have a known cost, ``spend`` in all; ``listed`` ones have a list cost, ``list_cost`` in all, of which
    ``costs`` are known by kind. ``tokens`` (by kind, without what is billed by the piece) are those of the listed requests,
    ``all_input`` and ``all_output`` those of all. ``discount`` is what was taken off the list price, as a fraction.
    """

    model: Model
    requests: int = 0
    priced: int = 0
    spend: Decimal = ZERO
    listed: int = 0
    list_cost: Decimal = ZERO
    costs: tuple[Decimal, ...] = (ZERO,) * 5
    tokens: tuple[float, ...] = (0.0,) * 4
    all_input: int = 0
    all_output: int = 0
    timed: int = 0
    latency_us: int = 0
    price_id: str | None = None
    discount: Decimal = ZERO
    is_free: bool = False

    @property
    def price(self) -> str | None:
        """The name of the list price without what the way of asking (batch, tier, speed) has made of it."""
        head, at, tail = (self.price_id or "").rpartition("@")
        return f"{head}{at}{tail.partition('+')[0]}" or None

    @property
    def is_standard(self) -> bool:
        """Whether the requests were charged at the list price as it stands, for no special way of asking."""
        return "+" not in (self.price_id or "").rpartition("@")[2]


def part_of(row: Mapping[str, Any]) -> Part:
    """Returns what a row of measures says; its list prices are those of the row if it has any."""
    sent, read, written, output = (
        int(row[name] or 0) for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    )
    unpriced = int(row["unpriced_tokens"] or 0)
    known_share = max(1 - unpriced / (sent + output), 0.0) if unpriced and sent + output and row["listed_requests"] else 1.0
    tokens = (max(sent - read - written, 0), read, written, output) if row["listed_requests"] else (0,) * 4
    return Part(
        model=(row["provider"], row["model"]),
        requests=int(row["requests"] or 0),
        priced=int(row["priced_requests"] or 0),
        spend=row["spend_usd"] or ZERO,
        listed=int(row["listed_requests"] or 0),
        list_cost=row["list_cost_usd"] or ZERO,
        costs=tuple(row[name] or ZERO for name in COST_PARTS),
        tokens=tuple(count * known_share for count in tokens),
        all_input=sent,
        all_output=output,
        timed=int(row["timed_requests"] or 0),
        latency_us=int(row["latency_us"] or 0),
        price_id=row.get("price_id"),
        discount=row.get("discount") or ZERO,
        is_free=row.get("price_status") == "free" and row.get("price_id") is None,
    )


def by_model(parts: Iterable[Part]) -> dict[Model, list[Part]]:
    """Returns the parts of each model, in the order of their names."""
    parts_of: dict[Model, list[Part]] = {}
    for part in parts:
        parts_of.setdefault(part.model, []).append(part)
    return dict(sorted(parts_of.items(), key=lambda item: sort_key(item[0])))


def sort_key(model: Model) -> tuple[tuple[bool, str], ...]:
    """Returns what models are put in order by: those without a name last."""
    return tuple((name is None, name or "") for name in reversed(model))
