"""The statement of a closed month as a page to print: HTML that needs nothing else, the same bytes whenever it is made again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from usagecost.bills.closing import month_period, words
from usagecost.bills.corrections import DIMENSIONS as KEPT_BY
from usagecost.bills.corrections import UsageSums
from usagecost.bills.currencies import USD
from usagecost.bills.monthly import MonthStatement
from usagecost.bills.owed import Amount, Part, known_amount
from usagecost.bills.rounding import places_of
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import GAP, LOWER_BOUND, MINUS, UNKNOWN, counted, exact_count, percent

LOOK = """
body { font: 10pt/1.4 "Helvetica Neue", Arial, sans-serif; color: #111; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 18pt; margin: 0 } h2 { font-size: 12pt; margin: 1.6rem 0 .3rem } p { margin: .3rem 0 }
table { border-collapse: collapse; width: 100% } th, td { padding: .2rem .5rem; text-align: left; vertical-align: top }
td { overflow-wrap: anywhere; min-width: 4.2rem } th { border-bottom: 1px solid #111 } tr + tr td { border-top: 1px solid #ddd }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
tr.sum td { border-top: 1px solid #111; font-weight: bold }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 8pt } @page { margin: 15mm } thead { display: table-header-group }
@media print { body { margin: 0; max-width: none; padding: 0 } tr { break-inside: avoid } h2 { break-after: avoid } }
"""


def html_of(statement: MonthStatement) -> str:
    """Returns the statement as HTML. What comes out of logs is text in it, never markup."""
    close, month = statement.close, words(statement.close.month)
    period = month_period(close.month, close.act["zone"], close.at)
    closed = f"closed {close.at:%Y-%m-%d %H:%M} UTC by {close.act['who']}"
    body = [
        f"<h1>Statement for {escape(month)}</h1>",
        _paragraph(f"{period.first} to {period.last}, {close.act['zone']} · {closed}"),
        _summary(statement),
        _teams(statement),
        _shared(statement),
        _corrections(statement),
        *(_parts(statement, dimension) for dimension in ("key", "app")),
        _prices(statement),
        _reconciled(statement),
        _notes(statement),
    ]
    head = f'<meta charset="utf-8"><title>Statement for {escape(month)}</title><style>{LOOK}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(filter(None, body)) + "\n</body></html>\n"


def money(amount: Decimal, currency: str = USD) -> str:
    """Returns an amount in full: $1,234.50, −1,234.50 EUR."""
    sign, size = MINUS if amount < 0 else "", f"{abs(amount):,.{places_of(currency)}f}"
    return f"{sign}${size}" if currency == USD else f"{sign}{size}{GAP}{currency}"


def amount_texts(statement: MonthStatement, amount: Amount | None, pricing: UsageSums) -> list[str]:
    """Returns an amount in USD and, where the statement has one, in its other currency: with the mark of a lower bound where a
    part of it has no price, a dash where nothing is known of it. ``pricing`` counts its requests, as `Line.pricing` does.
    """
    if (known := known_amount(amount, pricing)) is None:
        return [UNKNOWN for _ in statement.currencies]
    mark = LOWER_BOUND if pricing["incomplete_requests"] else ""
    return [mark + money(one, currency) for one, currency in zip(known, statement.currencies, strict=False)]


def coverage(sums: UsageSums) -> str:
    """Returns in a sentence how much of the month has no price; "" where all has."""
    unknown = sums["requests"] - (sums["priced_requests"] or 0)
    partial = (sums["incomplete_requests"] or 0) - unknown
    counts = ((unknown, "without a price"), (partial, "priced in part"))
    said = [f"{counted(count, 'request')} {what}" for count, what in counts if count]
    return f"Lower bound: {' and '.join(said)}; ≥ marks what lacks them." if said else ""


def _summary(statement: MonthStatement) -> str:
    month = statement.month
    corrected = amount_texts(statement, month.corrections, month.corrected)
    rows = [
        (f"Usage of {words(statement.close.month)}", *amount_texts(statement, month.usage, month.sums)),
        *([("Corrections of earlier months", *corrected)] if statement.corrections else []),
        ("Total", *amount_texts(statement, month.total, month.pricing)),
    ]
    rate = _paragraph(f"Converted at {statement.rate.words}.") if statement.rate else ""
    return _table("", ["", *_heads(statement, "")], rows, has_sum=True) + _paragraph(coverage(month.pricing)) + rate


def _teams(statement: MonthStatement) -> str:
    rows = [
        (
            statement.called("team", team.value),
            exact_count(team.sums["requests"]),
            amount_texts(statement, team.usage, team.sums)[0],
            amount_texts(statement, team.corrections, team.corrected)[0],
            amount_texts(statement, team.allocated, team.shared)[0],
            *amount_texts(statement, team.total, team.pricing),
        )
        for team in statement.teams
    ]
    unborne = [pool for pool in statement.pools if not pool.shares]
    rows += [
        (f"{pool.rule.name} (no team bears it)", "", "", "", "", *amount_texts(statement, pool.amount, pool.pricing))
        for pool in unborne
    ]
    heads = ["Team", "Requests", "Direct", "Corrections", "Shared costs", *_heads(statement, "Total")]
    total = ("Total", "", "", "", "", *amount_texts(statement, statement.month.total, statement.month.pricing))
    return _table("By team", heads, [*rows, total], has_sum=True)


def _shared(statement: MonthStatement) -> str:
    rows = [
        (pool.rule.name, pool.rule.words, statement.called("team", team), *amount_texts(statement, amount, pool.pricing))
        for pool in statement.pools
        for team, amount in pool.shares.items()
    ]
    return _table("Shared costs", ["Costs", "Split", "Team", *_heads(statement, "Amount")], rows, texts=3) if rows else ""


def _corrections(statement: MonthStatement) -> str:
    rows = [
        (
            words(line.month),
            str(line.cause).capitalize(),
            *(statement.called(name, value) for name, value in zip(KEPT_BY, line.group, strict=True)),
            exact_count(line.sums["requests"] or 0),
            *amount_texts(statement, line.amount, line.pricing),
        )
        for line in statement.corrections
    ]
    heads = ["Month", "Cause", "Team", "Key", "App", "Provider", "Model", "Requests", *_heads(statement, "Amount")]
    return _table("Corrections of earlier months", heads, rows, texts=7) if rows else ""


def _parts(statement: MonthStatement, dimension: str) -> str:
    label = DIMENSIONS[dimension].label
    rows = [(statement.called(dimension, part.value), *_numbers(statement, part)) for part in statement.parts(dimension)]
    heads = [label, "Requests", "Input tokens", "Output tokens", *_heads(statement, "Direct")]
    return _table(f"By {label.lower()}", heads, rows)


def _numbers(statement: MonthStatement, part: Part) -> Sequence[str]:
    counts = (exact_count(part.sums[name]) for name in ("requests", "input_tokens", "output_tokens"))
    return *counts, *amount_texts(statement, part.usage, part.sums)


def _prices(statement: MonthStatement) -> str:
    rows = [
        (
            row["provider"] or NOT_REPORTED,
            row["model"] or NOT_REPORTED,
            row["price_id"] or UNKNOWN,
            row["price_status"] or UNKNOWN,
            percent(row["discount"]) if row["discount"] else "",
            exact_count(row["requests"]),
            *amount_texts(statement, amount, row),
        )
        for row, amount in statement.prices
    ]
    heads = ["Provider", "Model", "Price", "Status", "Discount", "Requests", *_heads(statement, "Direct")]
    return _table("Prices", heads, rows, texts=4)


def _reconciled(statement: MonthStatement) -> str:
    rows = [(provider, label, money(amount)) for provider, label, amount in statement.reconciled]
    return _table("Beside the bills, by days of UTC", ["Provider", "What", "USD"], rows, texts=2) if rows else ""


def _notes(statement: MonthStatement) -> str:
    made = statement.close.made_with
    said = [
        "A request costs what its source reported, else its list price. Costs are added up exactly; the total is rounded once, and "
        "lines get whole cents that add up to it by the method of the largest remainder.",
        f"Made with version {made['lake']} of the lake, {made['app']} of the app, and {made['prices']}.",
        *made.get("not_reconciled", []),
    ]
    texts = {"prices.toml": made["price_book"], "chargeback.toml": made["chargeback"]}
    files = [f"<h2>{name}</h2><pre>{escape(text.strip())}</pre>" for name, text in texts.items() if text.strip()]
    return "\n".join(["<h2>Notes</h2>", *map(_paragraph, said), *files])


def _heads(statement: MonthStatement, label: str) -> list[str]:
    return [f"{label} ({currency})" if label else currency for currency in statement.currencies]


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1, has_sum: bool = False) -> str:
    """A table whose first columns are ``texts`` and whose last row may be a sum."""
    lines = list(rows)
    kinds = ["" if place < texts else ' class="n"' for place in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(text)}</th>" for kind, text in zip(kinds, heads, strict=True))
    body = [
        f"<tr{' class=' + chr(34) + 'sum' + chr(34) if has_sum and place == len(lines) - 1 else ''}>"
        + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for place, row in enumerate(lines)
    ]
    caption = f"<h2>{escape(title)}</h2>" if title else ""
    return f"{caption}<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(body) + "\n</tbody></table>"
