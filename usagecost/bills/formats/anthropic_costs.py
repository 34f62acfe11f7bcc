"""Anthropic: costs of an organisation, by dimension, the two reports of before, and the CSV of costs that the console exports.

`GET /v1/organizations/analytics/cost` (beta analytics-usage-cost-2026-08-24) answers rows with `group` and `cost`; `GET
/v1/organizations/analytics/cost_report` and the legacy `GET /v1/organizations/cost_report` answer buckets with `results`.

Money: amounts are decimal texts in fractional cents, so "123.45" is $1.2345. `amount` is after discounts and before credits,
`list_amount` before discounts; the legacy report has no list amount and leaves out the Priority tier. Taxes are in none of them.
The CSV has dollars.
Time: `starting_at` and `ending_at` in UTC, the end excluded; a report without a bucket width is one line for all of its days.

Groups by `rbac_group_id` overlap, as a user of two teams counts in both, so their rows do not add up to the bill: such a file is
refused. Fields by which the request did not group are null. Input is uncached; writes of five minutes and of an hour are both cache
writes, told apart by the sku. How many tokens a row costs is not told.

Shape: anthropic-sdk-python 2.12, `types/beta/organization/analytics/beta_analytics_cost_item.py` and its neighbours; the legacy one
from platform.claude.com/docs/en/api/admin/cost_report. The CSV: as exports of 2026 have it, not documented. It names workspaces
and not their ids, so it is a format of its own: one workspace by two names would count twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from usagecost.bills.formats.pages import ApiFormat
from usagecost.bills.formats.shape import Line, Notes, TableFormat, Unreadable, currency, number, text
from usagecost.bills.formats.words import described_model, meter_of, named_model

_METERS = {
    "uncached_input_tokens": "input",
    "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write",
    "output_tokens": "output",
    "web_search": "web_searches",
    "code_execution": "code_executions",
}
_SKU = ("token_type", "cost_type", "service_tier", "context_window", "inference_geo", "speed")


def _fits_report(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("results"), list) and "starting_at" in item


def _fits_row(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("group"), Mapping) and isinstance(item.get("cost"), Mapping) and "starting_at" in item


def _read_report(bucket: Mapping[str, Any]) -> Iterator[Line]:
    for result in bucket["results"]:
        if not isinstance(result, Mapping):
            raise Unreadable("a result is no object: save the answer of the API as it is.")
        yield _line(result, result)


def _read_row(row: Mapping[str, Any]) -> Iterator[Line]:
    yield _line(row["group"], row["cost"])


def _line(group: Mapping[str, Any], cost: Mapping[str, Any]) -> Line:
    if group.get("rbac_group_id") is not None:
        raise Unreadable(
            "its rows are by rbac_group_id, and such groups overlap: their sum is not the bill. Ask without that group."
        )
    amount = _dollars(cost.get("amount"))
    if amount is None:
        raise Unreadable("a row has no amount: save the answer of the API as it is.")
    token_type, cost_type = text(group.get("token_type")), text(group.get("cost_type"))
    model = text(group.get("model"))
    texts = [texts for name in _SKU if (texts := text(group.get(name))) and not (name == "cost_type" and token_type)]
    return {
        "provider": "anthropic",
        "account": text(group.get("organization_id")),
        "kind": "usage",
        "project": text(group.get("workspace_id")),
        "key": text(group.get("api_key_id")),
        "model": named_model("anthropic", model),
        "sku": ", ".join(filter(None, (model, *texts))) or None,
        "meter": _METERS.get(token_type or cost_type or ""),
        "amount": amount,
        "list_amount": _dollars(cost.get("list_amount")),
        "currency": currency(cost.get("currency")),
        "description": text(group.get("description")),
    }


def _finish(fields: Line, notes: Notes) -> Iterator[Line]:  # noqa: ARG001 - it says nothing of the whole
    product, kind_name = fields["named"] or "", fields["token_type"] or fields["cost_type"] or ""
    yield {
        "provider": "anthropic",
        "kind": "usage",
        "model": named_model("anthropic", product) or described_model("anthropic", product),
        "sku": ", ".join(filter(None, (product, kind_name))) or None,
        "meter": "input" if kind_name == "input_no_cache" else meter_of(kind_name),
        "currency": "USD",
    }


def _dollars(cents: Any) -> Decimal | None:
    amount = number(cents)
    return None if amount is None else amount.scaleb(-2)


COSTS = ApiFormat("anthropic-costs", "Anthropic costs by dimension", _fits_row, _read_row, "starting_at", "ending_at")
REPORT = ApiFormat("anthropic-costs", "Anthropic cost report", _fits_report, _read_report, "starting_at", "ending_at")
EXPORT = TableFormat(
    name="anthropic-console",
    title="Anthropic console costs (CSV)",
    known_by=("usagedateutc", "model", "tokentype", "costusd"),
    columns={
        "starts": ("usagedateutc",),
        "project": ("workspace",),
        "key": ("apikeyid", "apikey"),
        "named": ("model",),
        "token_type": ("tokentype",),
        "cost_type": ("costtype",),
        "amount": ("costusd",),
        "list_amount": ("listpriceusd",),
    },
    finish=_finish,
)
