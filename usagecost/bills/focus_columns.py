"""The columns of a FOCUS file as the app writes it, by version of the specification: 1.2 and 1.4.

All 21 that 1.2 demands of every file are here, and of the others those of which something is known. Own columns begin with ``x_``.
Source: the columns of the specification of 1.2, and the changes since: 1.3 says who sells in `ServiceProviderName` and who hosts in
`HostProviderName`, 1.4 has neither `ProviderName` nor `PublisherName` any more and adds `InvoiceDetailId`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import pyarrow as pa

from usagecost.schema import INSTANT, TEXT

Version = Literal["1.2", "1.4"]
VERSIONS: tuple[Version, ...] = ("1.2", "1.4")

COST = pa.decimal128(38, 9)
QUANTITY = pa.decimal128(38, 6)
UNIT_PRICE = pa.decimal128(38, 15)


class Column(NamedTuple):
    """One column, and the versions that have it."""

    name: str
    type: pa.DataType
    versions: tuple[Version, ...] = VERSIONS

    @property
    def field(self) -> pa.Field:
        """The column as Arrow sees it."""
        return pa.field(self.name, self.type)


COLUMNS: tuple[Column, ...] = (
    # ---- what is billed
    Column("BilledCost", COST),
    Column("EffectiveCost", COST),
    Column("ContractedCost", COST),
    Column("ContractedUnitPrice", UNIT_PRICE),
    Column("ListCost", COST),
    Column("ListUnitPrice", UNIT_PRICE),
    Column("BillingCurrency", TEXT),
    # ---- to whom, and when
    Column("BillingAccountId", TEXT),
    Column("BillingAccountName", TEXT),
    Column("SubAccountId", TEXT),
    Column("SubAccountName", TEXT),
    Column("BillingPeriodStart", INSTANT),
    Column("BillingPeriodEnd", INSTANT),
    Column("ChargePeriodStart", INSTANT),
    Column("ChargePeriodEnd", INSTANT),
    Column("InvoiceIssuerName", TEXT),
    Column("InvoiceId", TEXT),
    Column("InvoiceDetailId", TEXT, ("1.4",)),
    # ---- for what
    Column("ChargeCategory", TEXT),
    Column("ChargeClass", TEXT),
    Column("ChargeDescription", TEXT),
    Column("ChargeFrequency", TEXT),
    Column("ProviderName", TEXT, ("1.2",)),
    Column("PublisherName", TEXT, ("1.2",)),
    Column("ServiceProviderName", TEXT, ("1.4",)),
    Column("HostProviderName", TEXT, ("1.4",)),
    Column("ServiceCategory", TEXT),
    Column("ServiceSubcategory", TEXT),
    Column("ServiceName", TEXT),
    Column("SkuId", TEXT),
    Column("SkuPriceId", TEXT),
    Column("SkuPriceDetails", TEXT),
    Column("SkuMeter", TEXT),
    # ---- how much of it
    Column("ConsumedQuantity", QUANTITY),
    Column("ConsumedUnit", TEXT),
    Column("PricingCategory", TEXT),
    Column("PricingQuantity", QUANTITY),
    Column("PricingUnit", TEXT),
    Column("PricingCurrency", TEXT),
    Column("PricingCurrencyContractedUnitPrice", UNIT_PRICE),
    Column("PricingCurrencyEffectiveCost", COST),
    Column("PricingCurrencyListUnitPrice", UNIT_PRICE),
    Column("CommitmentDiscountStatus", TEXT),
    # ---- own
    Column("x_Model", TEXT),
    Column("x_Team", TEXT),
    Column("x_TeamName", TEXT),
    Column("x_User", TEXT),
    Column("x_UserName", TEXT),
    Column("x_Key", TEXT),
    Column("x_KeyName", TEXT),
    Column("x_App", TEXT),
    Column("x_CostBasis", TEXT),
    Column("x_CostCoverage", TEXT),
)

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
    return pa.schema([column.field for column in COLUMNS if version in column.versions])
