"""What a closed month adds to its FOCUS rows, so that these add up to its statement whenever they are written.

- A **correction** of an earlier month, as the close has it, is a row of `ChargeClass` Correction: its charge period is the month
  that is corrected, its billing period the one that was closed.
- What has changed of the closed month **since then** is in its requests, and taken off again in rows of the category Adjustment, as
  it is a correction of a later month.

Of both is only known what they change of the spend of a team, key, app and model: all costs of a row are that, to the last place,
and it has no quantities. Months are those of the zone of the closes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from usagecost.bills.closes import CORRECTION, Close, Closes
from usagecost.bills.closing import BASIS, month_period, sums_of, words
from usagecost.bills.corrections import KEYS, differences, order, pricing
from usagecost.bills.focus import Row, of_days, who_asked
from usagecost.periods import WHOLE
from usagecost.vocabulary.filters import NOT_REPORTED, View
from usagecost.vocabulary.labels import Labels


def closed_rows(view: View, day: date, closes: Closes, accounts: Mapping[str, str], labels: Labels) -> Iterator[Row]:
    """The rows that the close of a month adds on the month's first day; none on other days, and none of a month that is open.

    ``accounts`` are those of `accounts_of`.
    """
    close = closes.of(day)
    if close is None:
        return
    for month, changed, about in (*_corrections(close), *_changes_since(view, closes, close)):
        provider, spend = changed["provider"] or NOT_REPORTED, changed["spend_usd"]
        period = month_period(month, closes.zone, view.period.now)
        is_partial = pricing(changed)["incomplete_requests"] > 0
        yield of_days(day, day, provider, accounts.get(provider)) | {
            "ChargePeriodStart": period.start,
            "ChargePeriodEnd": period.end,
            "BilledCost": spend,
            "ContractedCost": spend,
            "ListCost": spend,
            "BillingCurrency": "USD",
            "ChargeFrequency": "One-Time",
            **who_asked(changed, labels),
            "x_CostBasis": "close",
            "x_CostCoverage": "unpriced" if spend is None else "partial" if is_partial else "exact",
            **about,
        }


def _corrections(close: Close) -> Iterator[tuple[date, Row, Row]]:
    """What a close corrects: the month, the group with its sums, and what a row says of it. A lake keeps rows in no order."""
    for row in sorted(close.of_kind(CORRECTION), key=lambda row: (row["of_month"], order(tuple(row[name] for name in KEYS)))):
        description = f"Correction of {words(row['of_month'])}: {row['cause']}"
        yield row["of_month"], row, {"ChargeCategory": "Usage", "ChargeClass": "Correction", "ChargeDescription": description}


def _changes_since(view: View, closes: Closes, close: Close) -> Iterator[tuple[date, Row, Row]]:
    """What takes off again by how much the month's spend is another now than when it was closed, in the same way."""
    period = month_period(close.month, closes.zone, view.period.now)
    now = sums_of(replace(view, period=period, interval=WHOLE, basis=BASIS))
    for group, sums in differences(close.usage, now).items():
        if sums["spend_usd"]:
            description = f"Changed since {words(close.month)} was closed, and corrected in a later month"
            about = {"ChargeCategory": "Adjustment", "ChargeDescription": description}
            yield close.month, dict(zip(KEYS, group, strict=True)) | sums, about
