"""The columns of a FOCUS file as the app writes it, by version of the specification: 1.2 and 1.4.

All 21 that 1.2 demands of every file are here, and of the others those of which something is known. Own columns begin with ``x_``.
Source: the columns of the specification of 1.2, and the changes since: 1.3 says who sells in `ServiceProviderName` and who hosts in
`HostProviderName`, 1.4 has neither `ProviderName` nor `PublisherName` any more and adds `InvoiceDetailId`.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from usagecost.schema import INSTANT, TEXT

Version = Literal["1.2", "1.4"]
VERSIONS: tuple[Version, ...] = ("1.2", "1.4")

COST = pa.decimal128(38, 9)
QUANTITY = pa.decimal128(38, 6)
UNIT_PRICE = pa.decimal128(38, 15)


COLUMNS = pa.schema(
    [
        # ---- what is billed
        ("BilledCost", COST),
        ("EffectiveCost", COST),
        ("ContractedCost", COST),
        ("ContractedUnitPrice", UNIT_PRICE),
        ("ListCost", COST),
        ("ListUnitPrice", UNIT_PRICE),
        ("BillingCurrency", TEXT),
        # ---- to whom, and when
        ("BillingAccountId", TEXT),
        ("BillingAccountName", TEXT),
        ("SubAccountId", TEXT),
        ("SubAccountName", TEXT),
        ("BillingPeriodStart", INSTANT),
        ("BillingPeriodEnd", INSTANT),
        ("ChargePeriodStart", INSTANT),
        ("ChargePeriodEnd", INSTANT),
        ("InvoiceIssuerName", TEXT),
        ("InvoiceId", TEXT),
        ("InvoiceDetailId", TEXT),
        # ---- for what
        ("ChargeCategory", TEXT),
        ("ChargeClass", TEXT),
        ("ChargeDescription", TEXT),
        ("ChargeFrequency", TEXT),
        ("ProviderName", TEXT),
        ("PublisherName", TEXT),
        ("ServiceProviderName", TEXT),
        ("HostProviderName", TEXT),
        ("ServiceCategory", TEXT),
        ("ServiceSubcategory", TEXT),
        ("ServiceName", TEXT),
        ("SkuId", TEXT),
        ("SkuPriceId", TEXT),
        ("SkuPriceDetails", TEXT),
        ("SkuMeter", TEXT),
        # ---- how much of it
        ("ConsumedQuantity", QUANTITY),
        ("ConsumedUnit", TEXT),
        ("PricingCategory", TEXT),
        ("PricingQuantity", QUANTITY),
        ("PricingUnit", TEXT),
        ("PricingCurrency", TEXT),
        ("PricingCurrencyContractedUnitPrice", UNIT_PRICE),
        ("PricingCurrencyEffectiveCost", COST),
        ("PricingCurrencyListUnitPrice", UNIT_PRICE),
        ("CommitmentDiscountStatus", TEXT),
        # ---- own
        ("x_Model", TEXT),
        ("x_Team", TEXT),
        ("x_TeamName", TEXT),
        ("x_User", TEXT),
        ("x_UserName", TEXT),
        ("x_Key", TEXT),
        ("x_KeyName", TEXT),
        ("x_App", TEXT),
        ("x_CostBasis", TEXT),
        ("x_CostCoverage", TEXT),
    ]
)

ONLY_IN: dict[str, Version] = {
    "InvoiceDetailId": "1.4",
    "ProviderName": "1.2",
    "PublisherName": "1.2",
    "ServiceProviderName": "1.4",
    "HostProviderName": "1.4",
}
"""Column -> the one version that has it; all others are in both."""

SAME = {
    "EffectiveCost": "BilledCost",
    "BillingAccountName": "BillingAccountId",
    "SubAccountName": "SubAccountId",
    "PricingCurrency": "BillingCurrency",
    "PricingCurrencyContractedUnitPrice": "ContractedUnitPrice",
    "PricingCurrencyEffectiveCost": "BilledCost",
    "PricingCurrencyListUnitPrice": "ListUnitPrice",
    **dict.fromkeys(("ProviderName", "PublisherName", "ServiceProviderName", "HostProviderName"), "InvoiceIssuerName"),
}
"""Column that nothing here tells from another -> that other: one party sells, hosts and bills, in one currency."""


def columns_of(version: Version) -> pa.Schema:
    """The columns of a file of a version, in their order."""
    return pa.schema([column for column in COLUMNS if ONLY_IN.get(column.name, version) == version])
