"""Closed months as the lake keeps them: which are closed, by whom, and the rows of each close, which nothing changes.

Months of a zone are closed one after the other, and reopened the last one first; so a close never rests on one that is void.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usagecost import schema
from usagecost.bills.corrections import Group, Row, UsageSums, added, groups_of
from usagecost.bills.currencies import ExchangeRate
from usagecost.lake import Lake

CLOSED, REOPENED = "closed", "reopened"
USAGE, CORRECTION, PRICE, RATE, RECONCILED = "usage", "correction", "price", "rate", "reconciled"


@dataclass(frozen=True)
class Close:
    """A month as it was closed, or would be: the rows of schema.CLOSES that the close keeps."""

    table: pa.Table

    @cached_property
    def act(self) -> Row:
        """The row that says who closed it."""
        return self.of_kind(CLOSED)[0]

    @property
    def id(self) -> str:
        """Its own id."""
        return self.act["close"]

    @property
    def month(self) -> date:
        """The first day of the month."""
        return self.act["month"]

    @property
    def at(self) -> datetime:
        """When it was closed."""
        return self.act["happened_at"].astimezone(UTC)

    @cached_property
    def made_with(self) -> dict[str, Any]:
        """Versions of the ``lake``, the ``app`` and ``prices``; texts of ``price_book`` and ``chargeback``; ``names`` of ids;
        sentences about lines of bills that were ``not_reconciled``.
        """
        return json.loads(self.act["made_with"])

    @cached_property
    def usage(self) -> dict[Group, UsageSums]:
        """What the month's requests were."""
        return groups_of(self.of_kind(USAGE))

    @property
    def corrected_months(self) -> list[date]:
        """The earlier months that had changed."""
        return sorted({row["of_month"] for row in self.of_kind(CORRECTION)})

    @cached_property
    def rates(self) -> dict[str, ExchangeRate]:
        """The rates that it keeps, by their currency."""
        names = ("currency", "rate", "rate_day", "rate_source")
        return {row["currency"]: ExchangeRate(*(row[name] for name in names)) for row in self.of_kind(RATE)}

    def of_kind(self, kind: str) -> list[Row]:
        """Its rows of a kind."""
        return self.table.filter(pc.field("kind") == kind).to_pylist()

    def corrections(self, month: date) -> dict[Group, UsageSums]:
        """By how much an earlier month was corrected."""
        return groups_of(row for row in self.of_kind(CORRECTION) if row["of_month"] == month)


@dataclass(frozen=True)
class Closes:
    """What a lake keeps of the closed months of a zone: ``acts`` are the rows of all closes and reopenings, the oldest first."""

    zone: str
    table: pa.Table
    acts: tuple[Row, ...]

    @cached_property
    def in_force(self) -> tuple[Close, ...]:
        """The closes of the months that are closed now, by month."""
        void = {row["close"] for row in self.acts if row["kind"] == REOPENED}
        ids = [row["close"] for row in self.acts if row["kind"] == CLOSED and row["close"] not in void]
        closes = (Close(self.table.filter(pc.field("close") == one)) for one in ids)
        return tuple(sorted(closes, key=lambda close: close.month))

    def of(self, month: date) -> Close | None:
        """The close of a month; None where it is open."""
        return next((close for close in self.in_force if close.month == month), None)

    def of_month(self, month: date) -> list[Row]:
        """What was done about a month, the oldest first."""
        return [row for row in self.acts if row["month"] == month]

    def booked(self, month: date, before: date) -> dict[Group, UsageSums]:
        """What the closes of months before a month say of an earlier one: its close and all corrections of it."""
        sums_of: dict[Group, UsageSums] = {}
        for close in self.in_force:
            if close.month < before:
                for group, sums in (close.usage if close.month == month else close.corrections(month)).items():
                    sums_of[group] = added(sums_of[group], sums) if group in sums_of else sums
        return sums_of


def read_closes(lake: Lake, zone: str) -> Closes:
    """Returns what a lake keeps of the closed months of a zone; raises LakeError."""
    table = lake.rows("closes")
    table = table.filter(pc.field("zone") == zone)
    acts = table.filter(pc.is_in(table["kind"], value_set=pa.array([CLOSED, REOPENED])))
    return Closes(zone, table, tuple(acts.to_pylist()))


def closed_zones(lake: Lake) -> list[str]:
    """Returns the zones of which a lake has closed months; raises LakeError."""
    return sorted(pc.unique(lake.rows("closes")["zone"]).to_pylist())


def as_rows(rows: Iterable[Row]) -> pa.Table:
    """Returns rows, of which each says some columns of schema.CLOSES, as a table with all of them."""
    return pa.Table.from_pylist([dict.fromkeys(schema.CLOSES.names) | row for row in rows], schema.CLOSES)
