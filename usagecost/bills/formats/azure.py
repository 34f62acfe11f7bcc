"""Azure: cost and usage details of an Enterprise Agreement (EA) or a Microsoft Customer Agreement (MCA), as CSV or Parquet.

Money: `CostInBillingCurrency`, in older files of an EA `Cost`, before taxes, in the currency of billing; the list amount is
`PaygCostInBillingCurrency`, which only an MCA has. Credits and taxes are not in such files. The actual costs are meant: of the
amortised ones, which spread purchases over their days, the sum is not the invoice; they are refused. Time: `Date`, a UTC day,
mostly month/day/year; where it is day/month/year, `BillingPeriodEndDate`, the last of a month, is no time.

Only the categories of AI are read, by the meter and its product; what else a file has is left out and counted. The account is the
billing account, the project the subscription. A quantity is in `UnitOfMeasure`: 29.872 of "1K" are 29,872 tokens. Meters write
models and directions in many ways ("gpt 4o 1120 cached Inp glbl Tokens", "5.4 mini Opt Gl 1M Tokens"); which deployment asked is
not told.

Columns: learn.microsoft.com, cost-management-billing/dataset-schema/cost-usage-details-ea and -mca, and
automate/understand-usage-details-fields. The names of meters: as the retail price API has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from usagecost.bills.formats.shape import Line, Notes, TableFormat, Unreadable
from usagecost.bills.formats.words import counted, described_model, meter_of

_KINDS = {
    "usage": "usage",
    "purchase": "commitment",
    "refund": "refund",
    "credit": "credit",
    "tax": "tax",
}
"""Types of charges; all others, roundings among them, are adjustments."""
_PACKAGE = re.compile(r"\d+[KM]?")


def _finish(fields: Line, notes: Notes) -> Iterator[Line]:  # noqa: ARG001 - it says nothing of the whole
    meter = fields["sku"] or ""
    kind = _KINDS.get((fields["type"] or "usage").lower(), "adjustment")
    is_of_openai = "openai" in f"{fields['category']} {fields['subcategory']} {fields['product']}".lower()
    if (fields["type"] or "").lower().startswith("unused") or (fields["benefit"] and kind == "usage" and fields["amount"]):
        raise Unreadable("these are amortised costs, whose sum is not the invoice: export actual costs.")
    unit = f"{fields['unit']} tokens" if _PACKAGE.fullmatch(fields["unit"] or "") and "token" in meter.lower() else fields["unit"]
    quantity, unit = counted(fields["quantity"], unit)
    yield {
        "provider": "azure",
        "kind": kind,
        "model": described_model("azure", meter, "gpt" if is_of_openai else ""),
        "sku": fields["sku"] or fields["product"],
        "meter": meter_of(meter) if kind == "usage" else None,
        "quantity": quantity,
        "unit": unit,
        "description": fields["product"],
    }


COST_DETAILS = TableFormat(
    name="azure-cost-details",
    title="Azure cost and usage details",
    known_by=("date|usagedate", "metercategory", "metername", "costinbillingcurrency|cost", "billingcurrencycode|billingcurrency"),
    columns={
        "starts": ("date", "usagedate"),
        "billing_ends": ("billingperiodenddate",),
        "account": ("billingaccountid", "billingaccountname"),
        "project": ("subscriptionid", "subscriptionguid"),
        "invoice": ("invoiceid",),
        "type": ("chargetype",),
        "benefit": ("reservationid", "benefitid"),
        "category": ("metercategory",),
        "subcategory": ("metersubcategory",),
        "product": ("productname", "product"),
        "sku": ("metername",),
        "quantity": ("quantity",),
        "unit": ("unitofmeasure",),
        "amount": ("costinbillingcurrency", "cost"),
        "list_amount": ("paygcostinbillingcurrency",),
        "currency": ("billingcurrencycode", "billingcurrency"),
    },
    finish=_finish,
    services=(
        ("metercategory", "metersubcategory", "productname", "product", "publishername"),
        r"openai|foundry|cognitive services|azure ai|ai services|azure \w+ models|anthropic",
    ),
)
