"""Our side of a reconciliation: requests by provider, UTC day and model, whatever the reporting zone is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.bills.result import ZERO
from usagecost.bills.sides import Names, Ours
from usagecost.periods import Period
from usagecost.queries import explained
from usagecost.schema import COST_PARTS
from usagecost.vocabulary.filters import Filters, View

SCOPES = {"key": "virtual_key", "project": "project"}
"""Column of a bill -> the column of a request that says the same."""

_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
_PRICED, _UNPRICED = "priced_", "unpriced_"
_SUMS = ("requests", "incomplete_requests", "spend_usd", "list_cost_usd", *COST_PARTS)


def our_days(
    view: View, first: date, last: date, scopes: Mapping[str, tuple[str, Collection[str]]], names: Names
) -> tuple[list[Ours], dict[date, int]]:
    """Returns our requests from a UTC day to another, on the view's basis of cost. One row: (day, provider, model, scope).

    ``scopes``: provider, as ``names`` calls it -> key or project, and those of which requests are told apart. What the provider did
    not answer (the gateway's cache did, or it failed before) has requests and no tokens. Requests without a provider are left out;
    the second value is how many of them cost something, or may have, by the first day of their month.
    """
    period = Period(first, last, "UTC", view.period.now, is_alone=True)
    columns = tuple(SCOPES[name] for name in dict.fromkeys(name for name, _ in scopes.values()))
    rows = explained.by_day(replace(view, period=period, filters=Filters()), (*_SUMS, *_TOKENS), *columns)
    unnamed = _unnamed(rows.filter(pc.is_null(rows["provider"])))
    rows = rows.filter(pc.is_valid(rows["provider"]))
    name_of = {provider: names(provider, None)[0] for provider in pc.unique(rows["provider"]).to_pylist()}
    scope = pa.nulls(rows.num_rows, pa.string())
    for provider, vendor in name_of.items():
        if vendor in scopes:
            column, values = scopes[vendor]
            reported = rows[SCOPES[column]]
            is_told = pc.and_(pc.equal(rows["provider"], provider), pc.is_in(reported, pa.array(sorted(values), pa.string())))
            scope = pc.if_else(is_told, reported, scope)
    is_used = pc.invert(pc.fill_null(pc.and_(pc.equal(rows["price_status"], "free"), pc.is_null(rows["price_id"])), False))
    is_unpriced = pc.fill_null(pc.equal(rows["price_status"], "unpriced"), False)
    wide = rows.select(["day", "provider", "model", *_SUMS]).append_column("scope", scope)
    for name in _TOKENS:
        for kind, counts in ((_PRICED, pc.and_not(is_used, is_unpriced)), (_UNPRICED, is_unpriced)):
            wide = wide.append_column(kind + name, pc.if_else(counts, rows[name], 0))
    sums = (*_SUMS, *(kind + name for kind in (_PRICED, _UNPRICED) for name in _TOKENS))
    summed = wide.group_by(["day", "provider", "model", "scope"]).aggregate([(name, "sum") for name in sums])
    return [_ours(row) for row in summed.to_pylist()], unnamed


def _unnamed(rows: pa.Table) -> dict[date, int]:
    """How many requests cost something or have no full price, by the first day of their month."""
    counts: dict[date, int] = defaultdict(int)
    for row in rows.select(["day", "requests", "incomplete_requests", "spend_usd"]).to_pylist():
        count = row["requests"] if row["spend_usd"] else row["incomplete_requests"]
        if count:
            counts[row["day"].replace(day=1)] += int(count)
    return dict(counts)


def shared_scopes(
    view: View, first: date, last: date, billed: Mapping[str, Mapping[str, Collection[str]]], names: Names
) -> dict[str, str]:
    """Returns by which scope requests can be matched to a bill: its provider -> key or project, where both sides share one.

    ``billed``: key and project -> provider -> those that the bill names.
    """
    period = Period(first, last, "UTC", view.period.now, is_alone=True)
    month_view = replace(view, period=period, filters=Filters())
    scope_names: dict[str, str] = {}
    for name, column in SCOPES.items():
        if any(provider not in scope_names for provider in billed.get(name, {})):
            for row in explained.values_of(month_view, column).to_pylist():
                provider = row["provider"] and names(row["provider"], None)[0]
                if row[column] in billed[name].get(provider, ()):
                    scope_names.setdefault(provider, name)
    return scope_names


def _ours(row: Mapping[str, Any]) -> Ours:
    """What a row of measures says."""
    return Ours(
        row["day"],
        row["provider"],
        row["model"],
        row["scope"],
        int(row["requests_sum"]),
        int(row["incomplete_requests_sum"] or 0),
        row["spend_usd_sum"] or ZERO,
        row["list_cost_usd_sum"] or ZERO,
        tuple(row[f"{name}_sum"] or ZERO for name in COST_PARTS),
        _tokens(row, _PRICED),
        _tokens(row, _UNPRICED),
    )


def _tokens(row: Mapping[str, Any], kind: str) -> tuple[int, ...]:
    """The tokens of requests with a price, or of those without: uncached input, cache reads and writes, output."""
    sent, read, written, output = (int(row[f"{kind}{name}_sum"] or 0) for name in _TOKENS)
    return max(sent - read - written, 0), read, written, output
