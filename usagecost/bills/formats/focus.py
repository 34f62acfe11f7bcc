"""FOCUS 1.0 to 1.4, the open specification of cost and usage data, whoever wrote it: CSV, Parquet or JSON lines.

Money: `BilledCost`, what the invoice says, in `BillingCurrency`; usage that a commitment paid for costs 0 there and the
commitment's purchase is a line of its own. The list amount is `ListCost`. Time: `ChargePeriodStart` and `ChargePeriodEnd` in UTC,
the end excluded; `BillingPeriodStart` tells how days such as 4/1/25 are meant, as it is the first of a month. Versions differ in
who sells: 1.3 added `ServiceProviderName`, 1.4 took `ProviderName` and `PublisherName` away. `ChargeClass` Correction, which
corrects an invoice of before, makes an adjustment.

Vercel answers it (`GET /v1/billing/charges`, FOCUS 1.3 as JSON lines); AWS, Azure, Google and others export it. Of those who sell
more than models only lines of the category "AI and Machine Learning", and models that their marketplace sells for others, are read;
the others are left out and counted.

Which model: `SkuPriceDetails` (ModelId, TokenDirection and TokenCacheAction, of the draft of 1.5), `x_Model`, else the words of the
meter and the description. A column of a vendor that names the model otherwise is not read.

Columns: focus.finops.org, specification 1.0 to 1.3; 1.4 by statements of others and its changes. Examples:
FinOps-Open-Cost-and-Usage-Spec, examples of SaaS (virtual currencies), whose days are month/day/year.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from usagecost.bills.formats.aws import marketplace_model, packaged, without_region
from usagecost.bills.formats.shape import Line, Notes, TableFormat, Unreadable, key, text
from usagecost.bills.formats.words import counted, described_model, meter_of, named_model, sells_models_alone

_KINDS = {"usage": "usage", "purchase": "commitment", "tax": "tax", "credit": "credit", "adjustment": "adjustment"}
_NAMES = {
    "aws": "amazonwebservices amazon amazonbedrock",
    "azure": "microsoft microsoftazure",
    "google": "googlecloud googlecloudplatform gcp",
    "x-ai": "xai",
    "mistral": "mistralai",
    "together": "togetherai",
}
_PROVIDERS = {name: provider for provider, names in _NAMES.items() for name in names.split()}
_COMPANY = re.compile(r"[,.]?\s+(inc|llc|l\.l\.c|pbc|ltd|limited|gmbh|corp|corporation|opco,? llc)\.?$", re.IGNORECASE)
_AI = "ai and machine learning"


def _provider(name: str) -> str:
    """A provider as requests name it: Amazon Web Services, Inc. is aws."""
    while (shorter := _COMPANY.sub("", name.strip())) != name:
        name = shorter
    return _PROVIDERS.get(key(name)) or "-".join(name.lower().split())


def _finish(fields: Line, notes: Notes) -> Iterator[Line]:
    if fields["seller"] is None:
        raise Unreadable("it has no ServiceProviderName or ProviderName: export the bill with that column.")
    provider = _provider(fields["seller"])
    category = fields["category"]
    if category and category.lower() != _AI and not (sells_models_alone(provider) or _is_marketplace(fields)):
        notes.leave_out(category)
        return
    _check_day(fields)
    kind = _KINDS.get((fields["type"] or "").lower())
    if kind is None:
        raise Unreadable(f"ChargeCategory: {fields['type'] or 'nothing'!r} is none of Usage, Purchase, Tax, Credit and Adjustment.")
    quantity, unit = fields["quantity"], fields["unit"]
    if quantity is None:
        quantity, unit = fields["priced_quantity"], fields["priced_unit"]
    if kind == "usage":  # the tokens of a purchase are a currency
        quantity, unit = counted(quantity, packaged(unit, fields["description"]))
    description = " ".join(filter(None, (fields["sku"], fields["description"])))
    yield {
        "provider": provider,
        "kind": "adjustment" if (fields["class"] or "").lower() == "correction" else kind,
        "model": _model(provider, fields),
        "sku": fields["sku"] or fields["sku_id"],
        "meter": _meter(fields["details"] or {}, description) if kind == "usage" else None,
        "quantity": quantity,
        "unit": unit,
    }


def _is_marketplace(fields: Line) -> bool:
    """Whether a cloud sells the model of another as a product of its marketplace, which is of the category Other."""
    return "(amazon bedrock" in (fields["service"] or "").lower() or sells_models_alone(_provider(fields["publisher"] or ""))


def _check_day(fields: Line) -> None:
    start = fields["billing_starts"]
    if "/" in (fields["billing_start_text"] or "") and start and start.day != 1:
        raise Unreadable("BillingPeriodStart is not the first of a month if days are month/day/year: write days as 2026-11-03.")


def _model(provider: str, fields: Line) -> str | None:
    """The model that the details name, or else the words."""
    names = (text((fields["details"] or {}).get("modelid")), fields["model"])
    listed = next((model for name in names if (model := named_model(provider, name) or named_model(None, name))), None)
    texts = (fields["sku"], fields["description"], fields["resource"])
    family = "gpt" if provider == "azure" else ""
    described = next((model for words in texts if words and (model := described_model(provider, words, family))), None)
    return (
        listed
        or described
        or (marketplace_model(fields["service"], without_region(fields["sku"] or "")) if provider == "aws" else None)
    )


def _meter(details: Mapping[str, object], description: str) -> str | None:
    cached, direction = (text(details.get(name)) for name in ("tokencacheaction", "tokendirection"))
    told = f"cache {cached}" if cached and cached.lower() not in ("none", "uncached") else direction
    return meter_of(told) if told else meter_of(description)


FOCUS = TableFormat(
    name="focus",
    title="FOCUS cost and usage",
    known_by=("billedcost", "billingcurrency", "chargecategory", "chargeperiodstart", "chargeperiodend"),
    columns={
        "starts": ("chargeperiodstart",),
        "ends": ("chargeperiodend",),
        "billing_starts": ("billingperiodstart",),
        "billing_start_text": ("billingperiodstart",),
        "seller": ("serviceprovidername", "providername", "hostprovidername", "invoiceissuername", "publishername"),
        "publisher": ("publishername",),
        "service": ("servicename",),
        "category": ("servicecategory",),
        "type": ("chargecategory",),
        "class": ("chargeclass",),
        "account": ("billingaccountid",),
        "project": ("subaccountid",),
        "key": ("xapikeyid", "xkey"),
        "invoice": ("invoiceid",),
        "details": ("skupricedetails",),
        "model": ("xmodel",),
        "sku": ("skumeter", "xusagetype", "xskumetername", "xskudescription"),
        "sku_id": ("skuid",),
        "resource": ("resourcename",),
        "quantity": ("consumedquantity",),
        "unit": ("consumedunit",),
        "priced_quantity": ("pricingquantity",),
        "priced_unit": ("pricingunit",),
        "amount": ("billedcost",),
        "list_amount": ("listcost",),
        "currency": ("billingcurrency",),
        "description": ("chargedescription",),
    },
    finish=_finish,
)
