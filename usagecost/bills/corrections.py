"""What has changed of a month since it was closed, and why, as far as the lake knows.

A month's sums, as a close keeps them, and all that later closes have corrected of it, add up to what the lake said of it when the
last of them was made: each correction is the difference to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

KEYS = ("team_id", "virtual_key", "app", "provider", "model")
"""The columns of requests by which a close keeps sums."""
DIMENSIONS = ("team", "key", "app", "provider", "model")
"""The same as dimensions."""
COUNTS = (
    "requests", "priced_requests", "incomplete_requests", "input_tokens", "cache_read_tokens", "cache_write_tokens",
    "output_tokens",
)  # fmt: skip
MEASURES = (*COUNTS, "spend_usd")
"""What a close keeps of each group; tokens and spend are None where none of its requests tells them."""

LATE, REMOVED, REPRICED, CHANGED = "late requests", "removed requests", "repriced", "changed requests"

Group = tuple[str | None, ...]
"""A value of each of KEYS; None is "not reported"."""
UsageSums = dict[str, Any]
"""A value of each of MEASURES."""
Row = dict[str, Any]


def groups_of(rows: Iterable[Row]) -> dict[Group, UsageSums]:
    """Returns the sums of rows by their group; rows of one group are added up."""
    sums_of: dict[Group, UsageSums] = {}
    for row in rows:
        group, sums = tuple(row[name] for name in KEYS), {name: row[name] for name in MEASURES}
        sums_of[group] = added(sums_of[group], sums) if group in sums_of else sums
    return sums_of


def added(one: UsageSums, other: UsageSums) -> UsageSums:
    """Returns the sums of both; of what neither tells None."""
    return {name: _added(one[name], other[name]) for name in MEASURES}


def differences(now: Mapping[Group, UsageSums], before: Mapping[Group, UsageSums]) -> dict[Group, UsageSums]:
    """Returns by how much each group is more than it was, or less; nothing of groups that are the same."""
    nothing: UsageSums = dict.fromkeys(MEASURES)
    difference_of: dict[Group, UsageSums] = {}
    for group in now.keys() | before.keys():
        negative = {name: None if value is None else -value for name, value in before.get(group, nothing).items()}
        difference = added(now.get(group, nothing), negative)
        if any(difference.values()):
            difference_of[group] = difference
    return dict(sorted(difference_of.items(), key=lambda item: order(item[0])))


def pricing(difference: UsageSums) -> UsageSums:
    """Returns how many requests a difference adds, and how many of these have a price; nothing else.

    A request that lost its price is added without one. What is taken away, or has a price now, completes no other amount.
    """
    requests, priced, incomplete = (difference[name] or 0 for name in ("requests", "priced_requests", "incomplete_requests"))
    unpriced = max(0, requests - priced)
    requests = max(requests, unpriced)
    counts = {"requests": requests, "priced_requests": requests - unpriced, "incomplete_requests": max(incomplete, unpriced)}
    return dict.fromkeys(MEASURES) | counts


def cause(difference: UsageSums, *, is_repriced: bool) -> str:
    """Returns why a group's sums differ: by its number of requests, and by whether its model was repriced since."""
    requests = difference["requests"] or 0
    causes = [LATE] if requests > 0 else [REMOVED] if requests < 0 else []
    if is_repriced and difference["spend_usd"]:
        causes.append(REPRICED)
    return ", ".join(causes or [CHANGED])


def order(group: Group) -> tuple[tuple[bool, str], ...]:
    """Returns what groups are sorted by: their values, "not reported" at the end."""
    return tuple((value is None, value or "") for value in group)


def _added(one: int | Decimal | None, other: int | Decimal | None) -> int | Decimal | None:
    values = [value for value in (one, other) if value is not None]
    return sum(values[1:], values[0]) if values else None
