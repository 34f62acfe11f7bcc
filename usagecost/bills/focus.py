"""Usage as FOCUS rows: a row for each day of UTC, meter (kind of tokens), account, model, price and who asked.

Money. `ContractedCost` is the list cost less the discount of the price file, `ListCost` the same without the discount. `BilledCost`
and `EffectiveCost` are what the source reported, else `ContractedCost`, as the page counts spend; `x_CostBasis` says which. A
reported cost says nothing of kinds of tokens: it is spread over the meters by their contracted costs, to the last billionth of a
dollar (largest remainder), and where these are not known or nothing it is a row of the meter Requests. So rows add up to the page's
spend. Unit prices are the average of the row. What is not known is empty, though FOCUS wants every cost: `x_CostCoverage` says
exact, partial (at least that much) or unpriced.

Quantities. Input is what was neither read from a cache nor written to one. What is billed by the request or the piece, searches
and seconds, is the meter Other; it and Requests count requests.

The account is that of the provider's bills where these name a single one, else the provider's name. Taxes, credits, refunds and
adjustments of bills are rows of their own on the first day that they are about; usage and commitments of bills are left out, as
requests tell the usage.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.bills.focus_columns import COST, UNIT_PRICE
from usagecost.bills.result import month_after, month_of
from usagecost.bills.rounding import shared_out
from usagecost.periods import local_midnight
from usagecost.queries.prices import charges
from usagecost.schema import COST_PARTS
from usagecost.vocabulary.filters import NOT_REPORTED, View
from usagecost.vocabulary.labels import FIELDS, Labels

Row = dict[str, Any]
"""The cells of a row by column, without those that SAME tells; what is not there is NULL."""


class Meter(NamedTuple):
    """What is counted, and the columns of `charges` with how many and, of the list cost, how much."""

    name: str
    quantity: str
    cost: str
    unit: str = "Tokens"
    priced_by: int = 1_000_000

    @property
    def pricing_unit(self) -> str:
        """The unit that prices are for."""
        return f"{self.priced_by} {self.unit}" if self.priced_by > 1 else self.unit


METERS = (
    Meter("Input Tokens", "input_tokens", "input_cost_usd"),
    Meter("Cache Read Tokens", "cache_read_tokens", "cache_read_cost_usd"),
    Meter("Cache Write Tokens", "cache_write_tokens", "cache_write_cost_usd"),
    Meter("Output Tokens", "output_tokens", "output_cost_usd"),
    Meter("Other", "requests_with_other", "other_cost_usd", "Requests", 1),
    Meter("Requests", "requests", "rest_cost_usd", "Requests", 1),
)
"""The last takes the costs, and the requests, that are in no other."""

CATEGORIES = {"tax": "Tax", "credit": "Credit", "refund": "Credit", "adjustment": "Adjustment"}
"""Kind of a bill's line that is a row of its own -> its ChargeCategory."""

NANO = Decimal("0.000000001")
"""The last place of costs."""

_TOGETHER = 10_000
"""Charges that are taken from a day's at once."""


def usage_rows(view: View, day: date, accounts: Mapping[str, str], labels: Labels) -> Iterator[Row]:
    """The rows of a day's requests that pass the view's filters; ``accounts`` are those of `accounts_of`."""
    batches = charges(view, day).to_batches(max_chunksize=_TOGETHER)
    for charge in chain.from_iterable(batch.to_pylist() for batch in batches):
        provider = charge["provider"] or NOT_REPORTED
        about = of_days(day, day, provider, accounts.get(provider)) | {
            "BillingCurrency": "USD",
            "ChargeCategory": "Usage",
            "ChargeFrequency": "Usage-Based",
            "SubAccountId": charge["project"],
            "PricingCategory": "Standard",
            **who_asked(charge, labels),
            "x_CostBasis": "reported" if charge["is_reported"] else "list" if charge["is_listed"] else None,
            "x_CostCoverage": _coverage(charge),
        }
        for row in _metered(charge):
            yield about | row


def bill_rows(lines: pa.Table, day: date) -> Iterator[Row]:
    """The rows of the lines of bills, as `current_lines` gives them, that count on a day and are no usage and no commitment."""
    for line in lines.filter(pc.equal(lines["first_day"], day)).to_pylist():
        if line["kind"] in CATEGORIES:
            yield of_days(day, line["last_day"], line["provider"], line["account"]) | {
                "BilledCost": line["amount"],
                "ContractedCost": line["amount"],
                "ListCost": line["amount"],
                "BillingCurrency": line["currency"],
                "InvoiceId": line["invoice"],
                "ChargeCategory": CATEGORIES[line["kind"]],
                "ChargeDescription": line["description"] or line["sku"] or f"{line['kind'].capitalize()} of {line['provider']}",
                "ChargeFrequency": "One-Time",
                "SubAccountId": line["project"],
                "x_Model": line["model"],
                "x_Key": line["key"],
                "x_CostBasis": "bill",
                "x_CostCoverage": "exact",
            }


def accounts_of(lines: pa.Table) -> dict[str, str]:
    """Provider -> the account that its bills name, where it is a single one."""
    accounts_by_provider = defaultdict(set)
    for line in lines.select(["provider", "account"]).to_pylist():
        if line["account"]:
            accounts_by_provider[line["provider"]].add(line["account"])
    return {provider: accounts.pop() for provider, accounts in accounts_by_provider.items() if len(accounts) == 1}


def _metered(charge: Mapping[str, Any]) -> Iterator[Row]:
    """The cells of the rows of a charge that differ by meter; there is one row at least."""
    listed = charge["list_cost_usd"]
    part_costs = {part: charge[part] or Decimal(0) for part in COST_PARTS}
    parts = {**part_costs, "rest_cost_usd": (listed or Decimal(0)) - sum(part_costs.values())}
    contracted = [parts[meter.cost] for meter in METERS]
    billed = contracted if listed is not None else [None] * len(METERS)
    if charge["is_reported"]:
        reported = charge["reported_cost_usd"]
        shared = shared_out(reported, dict(enumerate(contracted)), NANO) if listed else {len(METERS) - 1: reported}
        billed = [shared.get(place, Decimal(0)) for place in range(len(METERS))]
    has_rows = False
    for meter, cost, share in zip(METERS, contracted, billed, strict=True):
        counts = charge[meter.quantity] if meter is not METERS[-1] else not has_rows
        if cost or share or counts:
            has_rows = True
            yield _row(charge, meter, None if listed is None else cost, share)


def _row(charge: Mapping[str, Any], meter: Meter, contracted: Decimal | None, billed: Decimal | None) -> Row:
    model, price = charge["model"] or NOT_REPORTED, charge["price_id"]
    quantity = charge[meter.quantity]
    priced = None if quantity is None else Decimal(quantity) / meter.priced_by
    paid_share = 1 - (charge["discount"] or 0)
    listed = _rounded(contracted / paid_share, COST) if contracted is not None and paid_share > 0 else None
    sold = price.removeprefix("own:").rpartition("@")[0] if price else f"{charge['provider'] or NOT_REPORTED}/{model}"
    sku = meter.name.lower().replace(" ", "-")
    return {
        "BilledCost": billed,
        "ContractedCost": contracted,
        "ContractedUnitPrice": _unit_price(contracted, priced),
        "ListCost": listed,
        "ListUnitPrice": _unit_price(listed, priced),
        "ChargeDescription": f"{meter.name} of {model}",
        "SkuId": f"{sold}/{sku}",
        "SkuPriceId": f"{price}/{sku}" if price else None,
        "SkuPriceDetails": json.dumps({"x_ModelId": sold.partition("/")[2] or sold}, ensure_ascii=False) if price else None,
        "SkuMeter": meter.name,
        "ConsumedQuantity": quantity,
        "ConsumedUnit": None if quantity is None else meter.unit,
        "PricingQuantity": priced,
        "PricingUnit": None if quantity is None else meter.pricing_unit,
    }


def _unit_price(cost: Decimal | None, quantity: Decimal | None) -> Decimal | None:
    return _rounded(cost / quantity, UNIT_PRICE) if cost is not None and quantity else None


def _rounded(value: Decimal, kind: pa.Decimal128Type) -> Decimal:
    """A number with the places of a column's type."""
    return value.quantize(Decimal(1).scaleb(-kind.scale))


def of_days(first: date, last: date, provider: str, account: str | None) -> Row:
    """What all rows say of their days, in UTC and the last included, and of whose they are."""
    return {
        "BillingAccountId": account or provider,
        "BillingPeriodStart": local_midnight(month_of(first), "UTC"),
        "BillingPeriodEnd": local_midnight(month_after(first), "UTC"),
        "ChargePeriodStart": local_midnight(first, "UTC"),
        "ChargePeriodEnd": local_midnight(last + timedelta(days=1), "UTC"),
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
        "ServiceName": f"Models of {provider}",
        "InvoiceIssuerName": provider,
    }


def _coverage(charge: Mapping[str, Any]) -> str:
    """How much of what the requests cost is known, as `incomplete_sql` tells it."""
    if charge["is_reported"]:
        return "exact"
    return "unpriced" if not charge["is_listed"] else "partial" if charge["is_partial"] else "exact"


def who_asked(ids: Mapping[str, Any], labels: Labels) -> Row:
    """The own columns that say of requests their model, app, team, user and key, each NULL where it is not known."""
    row: Row = {"x_Model": ids["model"], "x_App": ids["app"]}
    for dimension, field in FIELDS.items():
        column, value = f"x_{dimension.capitalize()}", ids.get(field)
        row |= {column: value, f"{column}Name": _name(labels, dimension, value)}
    return row


def _name(labels: Labels, dimension: str, value: str | None) -> str | None:
    """What people call an id; NULL where it has no name."""
    name = labels.of(dimension, value) if value is not None else None
    return None if name == value else name
