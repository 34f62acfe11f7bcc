"""Our side of a reconciliation: requests by provider, UTC day and model, whatever the reporting zone is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from usagecost.bills.result import ZERO
from usagecost.bills.sides import Names, Ours
from usagecost.periods import Period
from usagecost.queries import explained
from usagecost.schema import COST_PARTS
from usagecost.vocabulary.filters import Filters, View

SCOPES = {"key": "virtual_key", "project": "project"}
"""Column of a bill -> the column of a request that says the same."""

_Key = tuple[date, str, str | None, str | None]


def our_days(view: View, first: date, last: date, scopes: Mapping[str, str], names: Names) -> list[Ours]:
    """Returns our requests from a UTC day to another, on the view's basis of cost. One row: (day, provider, model, scope).

    ``scopes``: provider, as ``names`` calls it -> key or project, by which its requests are told apart. What the provider did not
    answer (the gateway's cache did, or it failed before) has requests and no tokens. Requests without a provider are left out.
    """
    period = Period(first, last, "UTC", view.period.now, is_alone=True)
    asked = replace(view, period=period, filters=Filters())
    columns = tuple(SCOPES[name] for name in dict.fromkeys(scopes.values()))
    found: dict[_Key, list[Ours]] = defaultdict(list)
    for row in explained.by_day(asked, *columns).to_pylist():
        if row["provider"] is None:
            continue
        told_by = scopes.get(names(row["provider"], None)[0])
        scope = row[SCOPES[told_by]] if told_by else None
        one = _ours(row, scope)
        found[one[:4]].append(one)
    return [_together(rows) for rows in found.values()]


def shared_scopes(
    view: View, first: date, last: date, billed: Mapping[str, Mapping[str, Collection[str]]], names: Names
) -> dict[str, str]:
    """Returns by which scope requests can be matched to a bill: its provider -> key or project, where both sides share one.

    ``billed``: key and project -> provider -> those that the bill names.
    """
    period = Period(first, last, "UTC", view.period.now, is_alone=True)
    asked = replace(view, period=period, filters=Filters())
    found: dict[str, str] = {}
    for name, column in SCOPES.items():
        if any(provider not in found for provider in billed.get(name, {})):
            for row in explained.values_of(asked, column).to_pylist():
                provider = row["provider"] and names(row["provider"], None)[0]
                if row[column] in billed[name].get(provider, ()):
                    found.setdefault(provider, name)
    return found


def _ours(row: Mapping[str, Any], scope: str | None) -> Ours:
    """What a row of measures says."""
    sent, read, written, output = (
        int(row[name] or 0) for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    )
    tokens = max(sent - read - written, 0), read, written, output
    nothing = (0,) * 4
    is_unused = row["price_status"] == "free" and row["price_id"] is None
    is_priced = row["price_status"] != "unpriced"
    costs: tuple[Decimal, ...] = tuple(row[name] or ZERO for name in COST_PARTS)
    return Ours(
        row["day"],
        row["provider"],
        row["model"],
        scope,
        int(row["requests"] or 0),
        int(row["incomplete_requests"] or 0),
        row["spend_usd"] or ZERO,
        row["list_cost_usd"] or ZERO,
        costs,
        tokens if is_priced and not is_unused else nothing,
        nothing if is_priced else tokens,
    )


def _together(rows: list[Ours]) -> Ours:
    """Rows of the same day, model and scope as one."""
    if len(rows) == 1:
        return rows[0]
    first = rows[0]
    return first._replace(
        requests=sum(one.requests for one in rows),
        incomplete=sum(one.incomplete for one in rows),
        spend=sum((one.spend for one in rows), ZERO),
        list_cost=sum((one.list_cost for one in rows), ZERO),
        costs=tuple(sum(parts, ZERO) for parts in zip(*(one.costs for one in rows), strict=True)),
        tokens=tuple(map(sum, zip(*(one.tokens for one in rows), strict=True))),
        unpriced=tuple(map(sum, zip(*(one.unpriced for one in rows), strict=True))),
    )
