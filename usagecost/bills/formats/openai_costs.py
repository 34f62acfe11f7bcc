"""OpenAI: costs of an organisation, `GET /v1/organization/costs`, and the CSV of costs that the usage page exports.

Money: `amount.value` is in whole units of `amount.currency` ("usd"), a float of which the shortest text is taken; by OpenAI's own
words the costs endpoint, not the usage one, is what reconciles with the invoice. It is after discounts; taxes are not in it.
Whether an amount can be negative is not told; it would be a correction of usage. Time: buckets of a UTC day, `start_time` and
`end_time` in seconds, the end excluded. `line_item` is "model, what", as in "gpt-6-astra, input_tokens" or, before,
"gpt-4o-2024-08-06, cached input"; the input of a line is uncached. `quantity` counts `quantity_unit`, which may be 1000_tokens.
Fields by which the request did not group are null.
The CSV has these fields as columns, and a row without an amount for a day on which nothing was billed.

Shape: openai-python 3.54, `types/admin/organization/usage_costs_response.py`. `organization_id` stands in saved costs of 2025, not
in the documentation of today; an answer without it names no account. The CSV is not documented: as exports of 2025 and
2026 have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from usagecost.bills.formats.pages import ApiFormat
from usagecost.bills.formats.shape import Line, Notes, TableFormat, Unreadable, currency, number, text
from usagecost.bills.formats.words import counted, meter_of, named_model


def _fits(item: Mapping[str, Any]) -> bool:
    results = item.get("results")
    if not isinstance(results, list) or "start_time" not in item:
        return False
    return not results or (isinstance(results[0], Mapping) and "amount" in results[0])


def _read(bucket: Mapping[str, Any]) -> Iterator[Line]:
    for result in bucket["results"]:
        amount = result.get("amount") if isinstance(result, Mapping) else None
        if not isinstance(amount, Mapping) or (value := number(amount.get("value"))) is None:
            raise Unreadable("a result has no amount.value: save the answer of the costs endpoint as it is.")
        yield {
            "account": text(result.get("organization_id")),
            "project": text(result.get("project_id")),
            "key": text(result.get("api_key_id")),
            "amount": value,
            "currency": currency(amount.get("currency")),
            **_item(text(result.get("line_item")), number(result.get("quantity")), text(result.get("quantity_unit"))),
        }


def _finish(fields: Line, notes: Notes) -> Iterator[Line]:
    notes.days.update(filter(None, (fields["first_day"], fields["last_day"])))
    if fields["amount"] is not None:
        yield _item(fields["sku"], fields["quantity"], fields["unit"])


def _item(sku: str | None, quantity: Decimal | None, unit: str | None) -> Line:
    """What a line item says."""
    name, _, what = (sku or "").partition(", ")
    quantity, unit = counted(quantity, unit)
    line = {"provider": "openai", "kind": "usage", "sku": sku, "quantity": quantity, "unit": unit}
    return line | {"model": named_model("openai", name), "meter": meter_of(what or name)}


COSTS = ApiFormat(
    name="openai-costs",
    title="OpenAI organization costs",
    fits=_fits,
    read=_read,
    starts="start_time",
    ends="end_time",
)
EXPORT = TableFormat(
    name=COSTS.name,
    title="OpenAI organization costs (CSV)",
    known_by=("starttime", "endtime", "amountvalue", "amountcurrency", "lineitem"),
    columns={
        "starts": ("starttime",),
        "ends": ("endtime",),
        "account": ("organizationid",),
        "project": ("projectid",),
        "key": ("apikeyid",),
        "sku": ("lineitem",),
        "quantity": ("quantity",),
        "unit": ("quantityunit",),
        "amount": ("amountvalue",),
        "currency": ("amountcurrency",),
    },
    finish=_finish,
)
