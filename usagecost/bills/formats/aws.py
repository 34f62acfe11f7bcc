"""AWS: the Cost and Usage Report, CUR 2.0 of Data Exports (`line_item_…`) and the one of before (`lineItem/…`), as CSV or Parquet.

Money: `line_item_unblended_cost` in `line_item_currency_code`; discounts, credits, refunds and taxes are lines of their own, so the
lines add up to the invoice (the net columns, which take discounts into the usage lines, would count them twice). The list amount is
`pricing_public_on_demand_cost`. Of Parquet's doubles the shortest decimal is taken. Time: UTC, hours or days, the end excluded.

Only lines of Bedrock are read, by the product's code or name: models of Anthropic and others come as products of their own, "Claude
Sonnet 4.5 (Amazon Bedrock Edition)", with usage types such as USE1-MP:USE1_InputTokenCount-Units. What else a report has is left
out and counted. The account is the payer, the project the account that used it. A quantity is in `pricing_unit`, mostly 1K tokens;
of products of the marketplace the description tells what their "Units" are ("Million Input Tokens").

Columns and the four kinds of tokens: docs.aws.amazon.com, cur/latest/userguide/table-dictionary-cur2.html and
bedrock/latest/userguide/cost-mgmt-understanding-cur-data.html. Usage types of the marketplace: as the price list API has them, not
seen in a report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from usagecost.bills.formats.shape import Line, Notes, TableFormat, text
from usagecost.bills.formats.words import counted, described_model, meter_of

_KINDS = {
    "usage": "usage",
    "discountedusage": "usage",
    "savingsplancoveredusage": "usage",
    "tax": "tax",
    "credit": "credit",
    "refund": "refund",
    "fee": "commitment",
    "rifee": "commitment",
    "savingsplanupfrontfee": "commitment",
    "savingsplanrecurringfee": "commitment",
}
"""Types of lines; all others, discounts and negations among them, are adjustments."""

_REGION = re.compile(r"^([A-Z]{2,4}\d?-)?(MP:)?([A-Z]{2,4}\d?_)?")
"""What stands before the words of a usage type: USE1-NovaPro-…, USE1-MP:USE1_InputTokenCount-Units."""
_EDITION = re.compile(r"\s*\(Amazon Bedrock Edition\).*", re.IGNORECASE)
_PACKAGE = re.compile(r"\b(million|thousand)\b[\w\s]*\btokens?\b", re.IGNORECASE)


def without_region(usage_type: str) -> str:
    """The usage type without the region that it begins with."""
    return _REGION.sub("", usage_type)


def marketplace_model(product: str | None, usage_type: str) -> str | None:
    """The model that a product of the marketplace is, by the names of the product and of its usage type."""
    return described_model("aws", f"{_EDITION.sub('', product or '')} {usage_type}")


def packaged(unit: str | None, description: str | None) -> str | None:
    """The unit of a quantity; where the marketplace says "Units" alone, that of the description, such as million tokens."""
    package = _PACKAGE.search(description or "")
    return f"{package[1]} tokens" if package and (unit or "units").lower() in ("unit", "units", "quantity") else unit


def _finish(fields: Line, notes: Notes) -> Iterator[Line]:  # noqa: ARG001 - it says nothing of the whole
    product = fields["product"] or text((fields["details"] or {}).get("productname"))
    usage_type = without_region(fields["sku"] or "")
    kind = _KINDS.get((fields["type"] or "usage").lower(), "adjustment")
    quantity, unit = counted(fields["quantity"], packaged(fields["unit"], fields["description"]))
    is_usage = kind == "usage"
    yield {
        "provider": "aws",
        "kind": kind,
        "model": described_model("aws", usage_type) or marketplace_model(product, usage_type),
        "sku": fields["sku"] or product,
        "meter": meter_of(usage_type) if is_usage else None,
        "quantity": quantity if is_usage else None,
        "unit": unit if is_usage else None,
    }


CUR = TableFormat(
    name="aws-cur",
    title="AWS Cost and Usage Report",
    known_by=("lineitemusagestartdate", "lineitemunblendedcost", "lineitemusagetype"),
    columns={
        "starts": ("lineitemusagestartdate",),
        "ends": ("lineitemusageenddate",),
        "account": ("billpayeraccountid",),
        "project": ("lineitemusageaccountid",),
        "invoice": ("billinvoiceid",),
        "type": ("lineitemlineitemtype",),
        "sku": ("lineitemusagetype",),
        "product": ("productproductname", "productservicename"),
        "details": ("product",),
        "quantity": ("lineitemusageamount",),
        "unit": ("pricingunit",),
        "amount": ("lineitemunblendedcost",),
        "list_amount": ("pricingpublicondemandcost",),
        "currency": ("lineitemcurrencycode",),
        "description": ("lineitemlineitemdescription",),
    },
    finish=_finish,
    services=(("lineitemproductcode", "productservicecode", "productproductname", "productservicename", "product"), "bedrock"),
)
