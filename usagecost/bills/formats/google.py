"""Google Cloud: the billing export to BigQuery, standard or detailed, saved as JSON, CSV or Parquet.

Money: `cost` is before credits, in `currency`; each of `credits`, whose amounts are below 0, is a line of its own of the kind
credit. A discount that reduces the price is in `cost`; the list amount is `cost_at_list`. Time: `usage_start_time` and
`usage_end_time` in UTC, the end excluded. The invoice is told by its month, `invoice.month`, whose days are those of US Pacific
time: usage of one UTC day may be on two invoices. `cost_type` tells taxes, adjustments and roundings. When the rows were exported,
`export_time`, is when the statement was made.

Only services of models are read (Vertex AI, Gemini API, Generative Language); what else an export has is left out and counted,
taxes too where they are of the whole invoice. The account is the billing account. Inputs and outputs are counted in `usage.unit`
"count" or "requests", one for a token.

Columns: docs.cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage. CSV has no nested columns: names with
`_` or `.` are read, and `credits` as JSON or as one amount. SKUs of models of others in Vertex AI: not seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from usagecost.bills.formats.shape import Line, Notes, TableFormat, Unreadable, number, text
from usagecost.bills.formats.words import counted, described_model, meter_of

_KINDS = {"regular": "usage", "tax": "tax"}
_TOKENS = ("input", "output", "cache_read", "cache_write")


def _finish(fields: Line, notes: Notes) -> Iterator[Line]:
    notes.made(fields["made"])
    kind = _KINDS.get((fields["type"] or "regular").lower(), "adjustment")
    sku = fields["sku"] or ""
    meter = meter_of(sku)
    is_tokens = meter in _TOKENS and (fields["unit"] or "").lower() in ("count", "requests", "")
    quantity, unit = counted(fields["quantity"], "tokens" if is_tokens else fields["unit"])
    provider_and_model = {"provider": "google", "model": described_model("google", sku)}
    yield provider_and_model | {
        "kind": kind,
        "meter": meter if kind == "usage" else None,
        "quantity": quantity,
        "unit": unit,
        "description": fields["service"],
    }
    of_usage = dict.fromkeys(("quantity", "unit", "list_amount"))
    for amount, name in _credits(fields["credits"]):
        yield provider_and_model | of_usage | {"kind": "credit", "amount": amount, "description": name}


def _credits(value: Any) -> Iterator[tuple[Decimal, str | None]]:
    """The amounts and names of credits, which CSV has as one amount or as the text of a list."""
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise Unreadable("credits are neither a list in JSON nor a number: export them as TO_JSON_STRING(credits).") from None
    if not isinstance(value, list):
        value = [{"amount": value}] if number(value) else []
    for credit in value:
        if not isinstance(credit, Mapping):
            raise Unreadable("a credit is no object with an amount: export credits as TO_JSON_STRING(credits).")
        if amount := number(credit.get("amount")):
            yield amount, text(credit.get("full_name")) or text(credit.get("name"))


EXPORT = TableFormat(
    name="google-billing",
    title="Google Cloud billing export",
    known_by=("billingaccountid", "usagestarttime", "cost", "skudescription", "currency"),
    columns={
        "starts": ("usagestarttime",),
        "ends": ("usageendtime",),
        "made": ("exporttime",),
        "account": ("billingaccountid",),
        "project": ("projectid",),
        "invoice": ("invoicemonth",),
        "type": ("costtype",),
        "service": ("servicedescription",),
        "sku": ("skudescription",),
        "quantity": ("usageamount",),
        "unit": ("usageunit",),
        "amount": ("cost",),
        "list_amount": ("costatlist",),
        "currency": ("currency",),
        "credits": ("credits", "creditsamount"),
    },
    finish=_finish,
    services=(("servicedescription",), "vertex|gemini|generative|agent platform"),
)
