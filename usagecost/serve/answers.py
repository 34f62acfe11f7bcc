"""What the API answers: the pages' own questions, asked of what a token may see."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from usagecost import engine, queries
from usagecost.bills.reconciling import reconcile_lake
from usagecost.budgets import State, read_budgets, states, view_of_now
from usagecost.forecast import Forecast
from usagecost.queries.requests import SORTS, Key, Order, moment, page
from usagecost.queries.tables import TooManyRowsError, table
from usagecost.reports.making import link_of
from usagecost.serve.asked import PERIOD, AskedWrongly, Lake, Query, check_names, number_of, one_of, question_of, view_of
from usagecost.serve.tokens import Token
from usagecost.vocabulary import BASES, DIMENSIONS, METRICS, SPLITS
from usagecost.vocabulary.filters import View

MOST_ROWS = 50_000
NO_CURSOR = "cursor is none that this API has given for this order: leave it out to begin at the first page."
MOST_REQUESTS, REQUESTS = 1_000, 100
NOT_TOLD = ("value", "instant_us")
"""What a row of requests has for the list itself."""

Answer = Callable[[Query, Lake], dict[str, Any]]
"""A question of the API: its query, and the lake as who asks may see it -> what is answered."""


def lake_now(root: str, token: Token) -> Lake:
    """The lake as it is now, as far as a token may see it; raises LakeError."""
    handle = engine.open_lake(root)
    version, scope = handle.version(), token.scope(handle)
    return Lake(root, version, scope, queries.labels(root, version, scope), datetime.now(UTC))


def usage(query: Query, lake: Lake) -> dict[str, Any]:
    """Metrics by interval and value of a split; raises AskedWrongly, LakeError or UnansweredError."""
    view, by, metrics = question_of(query, lake)
    try:
        rows = table(view, by, metrics, most_rows=MOST_ROWS)
    except TooManyRowsError as found:
        raise AskedWrongly(f"These are {found.args[0]:,} rows: ask for fewer days, a longer interval, or with a filter.") from None
    return {**_about(query, view), "interval": view.interval, "by": by, "rows": rows}


def requests(query: Query, lake: Lake) -> dict[str, Any]:
    """A page of single requests, and the cursor of the next, None behind the last; raises as `usage` does."""
    check_names(query, (*PERIOD, "sort", "order", "limit", "cursor", "format"))
    order = Order(one_of(query, "sort", SORTS, "time"), one_of(query, "order", ("desc", "asc"), "desc") == "desc")
    limit = number_of(query, "limit", REQUESTS, MOST_REQUESTS)
    view = view_of(query, lake)
    key = _key(query.get("cursor"), order)
    try:
        rows_found = page(view, order, key, is_before=False, most=limit)
    except (duckdb.Error, ValueError, OverflowError):
        if key is None:
            raise
        raise AskedWrongly(NO_CURSOR) from None
    last = rows_found[-1] if len(rows_found) == limit else None
    following = _cursor(Key(last["value"], last["instant_us"], last["source"], last["request_id"]), order) if last else None
    rows = [{"started_at": moment(row["instant_us"]), **{k: v for k, v in row.items() if k not in NOT_TOLD}} for row in rows_found]
    return {**_about(query, view), "rows": rows, "next": following}


def budgets(query: Query, lake: Lake) -> dict[str, Any]:
    """The budgets of what may be seen, and how each stands; raises AskedWrongly, BudgetProblem or LakeError."""
    check_names(query, ("format",))
    all_budgets = read_budgets(engine.open_lake(lake.root)).budget
    view = view_of_now(lake.root, lake.version, lake.now, lake.scope)
    visible = [budget for budget in all_budgets if lake.scope.includes(budget.filters)]
    return {"zone": view.period.zone, "rows": [_budget(state) for state in states(view, visible)]}


def reconciliation(query: Query, lake: Lake) -> dict[str, Any]:
    """A row a month and provider that has a bill: both sides, the causes of the difference, and what is left unexplained, in USD.

    Bills are of all requests, so who may see a part only sees none. Raises as `usage` does.
    """
    check_names(query, ("basis", "format"))
    basis = one_of(query, "basis", BASES, "best")
    if not lake.scope.is_everything:
        return {"basis": basis, "rows": []}
    result, _ = reconcile_lake(engine.open_lake(lake.root), lake.version, basis)
    rows = [
        {
            "month": f"{month:%Y-%m}",
            "provider": provider,
            "billed_usd": sums.theirs,
            "logged_usd": sums.ours,
            "logged_is_at_least": sums.incomplete > 0,
            "difference_usd": sums.difference,
            **{f"{cause}_usd": amount for cause, amount in sums.effects.items()},
            "unexplained_usd": sums.unexplained,
            "explained_share": sums.explained,
        }
        for month, providers in result.by_month().items()
        for provider, sums in providers.items()
    ]
    return {"basis": basis, "rows": rows}


def vocabulary() -> dict[str, Any]:
    """What can be asked: metrics, splits and dimensions, with what they mean."""
    return {
        "metrics": {name: {"label": metric.label, "meaning": metric.help} for name, metric in METRICS.items()},
        "by": {name: split.label for name, split in SPLITS.items()},
        "filter": {name: dimension.label for name, dimension in DIMENSIONS.items()},
    }


def freshness(lake: Lake) -> dict[str, Any]:
    """The version of the lake and its newest request."""
    span = queries.data_span(lake.root, lake.version, lake.scope)
    return {"version": lake.version, "newest_request": span[1] if span else None}


def _about(query: Query, view: View) -> dict[str, Any]:
    """What every answer says of its question, with a link to the page that shows the same, where the app's address is known."""
    period = view.period
    days = {"start": period.first, "end": period.last, "zone": period.zone}
    return {**days, "basis": view.basis, "filters": query.getlist("filter"), "page": link_of(view, "before", None)}


def _budget(state: State) -> dict[str, Any]:
    budget, used, forecast = state.budget, state.used, state.forecast
    has_forecast = isinstance(forecast, Forecast)
    return {
        "name": budget.name,
        "amount_usd": budget.amount,
        "period": budget.period,
        "filters": budget.filters.phrases(),
        "first": used.first,
        "last": used.last,
        "used_usd": used.usd,
        "used_is_at_least": used.incomplete > 0,
        "used_share": state.share(used),
        "period_share": state.pace,
        "days_left": state.left,
        "forecast_usd": forecast.total if has_forecast else None,
        "forecast_margin_usd": forecast.margin if has_forecast else None,
        "forecast_is_at_least": state.is_forecast_at_least,
    }


def _cursor(key: Key, order: Order) -> str:
    """The place of a request in an order, as a word for a URL."""
    text = json.dumps([*astuple(order), *astuple(key)], default=lambda amount: {"usd": f"{amount:f}"})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key(cursor: str | None, order: Order) -> Key | None:
    """What a cursor of the same order means; raises AskedWrongly."""
    if not cursor:
        return None
    try:
        sort, descends, value, *place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        key = Key(Decimal(value["usd"]) if isinstance(value, dict) else value, *place)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        sort, descends, key = None, None, None
    is_place = key and [type(one) for one in (key.instant_us, key.source, key.request_id)] == [int, str, str]
    if not is_place or (sort, descends) != astuple(order):
        raise AskedWrongly(NO_CURSOR)
    return key


def json_text(content: object) -> str:
    """As JSON; amounts are numbers with all their places."""
    return json.dumps(content, default=_plain, ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an answer")
