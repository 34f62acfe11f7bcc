"""The statement of a closed month as a page to print: HTML that needs nothing else, the same bytes whenever it is made again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from usagecost.bills.closing import month_period, words
from usagecost.bills.corrections import UsageSums
from usagecost.bills.currencies import USD
from usagecost.bills.month_tables import COUNTS, SPEND, Cell, MonthTable, summary, tables
from usagecost.bills.monthly import MonthStatement
from usagecost.bills.owed import Owed
from usagecost.bills.rounding import places_of
from usagecost.vocabulary.formats import GAP, LOWER_BOUND, MINUS, UNKNOWN, counted, exact_count

NUMBERS = {*COUNTS, "discount"}
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
        _table(statement, summary(statement))
        + _paragraph(coverage(statement.month.total.sums))
        + _paragraph(f"Converted at {statement.rate.words}." if statement.rate else ""),
        *(_table(statement, table) for table in tables(statement)),
        _notes(statement),
    ]
    head = f'<meta charset="utf-8"><title>Statement for {escape(month)}</title><style>{LOOK}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(filter(None, body)) + "\n</body></html>\n"


def money(amount: Decimal, currency: str = USD) -> str:
    """Returns an amount in full: $1,234.50, −1,234.50 EUR."""
    sign, size = MINUS if amount < 0 else "", f"{abs(amount):,.{places_of(currency)}f}"
    return f"{sign}${size}" if currency == USD else f"{sign}{size}{GAP}{currency}"


def amount_texts(statement: MonthStatement, owed: Owed) -> list[str]:
    """Returns what is owed in USD and, where the statement has one, in its other currency: with the mark of a lower bound where a
    part of it has no price, a dash where nothing is known of it.
    """
    if owed.known is None:
        return [UNKNOWN for _ in statement.currencies]
    mark = LOWER_BOUND if owed.is_at_least else ""
    return [mark + money(one, currency) for one, currency in zip(owed.known, statement.currencies, strict=False)]


def coverage(sums: UsageSums) -> str:
    """Returns in a sentence how much of the month has no price; "" where all has."""
    unknown = sums["requests"] - (sums["priced_requests"] or 0)
    partial = (sums["incomplete_requests"] or 0) - unknown
    counts = ((unknown, "without a price"), (partial, "priced in part"))
    parts = [f"{counted(count, 'request')} {what}" for count, what in counts if count]
    return f"Lower bound: {' and '.join(parts)}; ≥ marks what lacks them." if parts else ""


def _notes(statement: MonthStatement) -> str:
    made_with = statement.close.made_with
    notes = [
        "A request costs what its source reported, else its list price. Costs are added up exactly; the total is rounded once, and "
        "lines get whole cents that add up to it by the method of the largest remainder.",
        f"Made with version {made_with['lake']} of the lake, {made_with['app']} of the app, and {made_with['prices']}.",
        *made_with.get("not_reconciled", []),
    ]
    texts = {"prices.toml": made_with["price_book"], "chargeback.toml": made_with["chargeback"]}
    files = [f"<h2>{name}</h2><pre>{escape(text.strip())}</pre>" for name, text in texts.items() if text.strip()]
    return "\n".join(["<h2>Notes</h2>", *map(_paragraph, notes), *files])


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _table(statement: MonthStatement, table: MonthTable) -> str:
    """A table, in which what is owed is in each currency; nothing where it has no row."""
    currencies = {name: statement.currencies if name == SPEND else ("",) for name in table.columns}
    kinds = [' class="n"' if name.endswith("_usd") or name in NUMBERS else "" for name, some in currencies.items() for _ in some]
    heads = [f"{table.columns[name]} ({one})" if one else table.columns[name] for name, some in currencies.items() for one in some]

    def line(texts: Iterable[str], cell: str = "td", kind: str = "") -> str:
        cells = (f"<{cell}{of_column}>{escape(text)}</{cell}>" for of_column, text in zip(kinds, texts, strict=True))
        return f"<tr{kind}>{''.join(cells)}</tr>"

    def texts(row: Sequence[Cell]) -> list[str]:
        return [text for cell, some in zip(row, currencies.values(), strict=True) for text in _texts(statement, cell)[: len(some)]]

    if not table.rows:
        return ""
    *rows, last = map(texts, table.rows)
    body = [*map(line, rows), line(last, kind=' class="sum"' if table.has_total else "")]
    title = f"<h2>{escape(table.title)}</h2>" if table.title else ""
    return f"{title}<table><thead>{line(heads, 'th')}</thead><tbody>\n" + "\n".join(body) + "\n</tbody></table>"


def _texts(statement: MonthStatement, cell: Cell) -> list[str]:
    """A cell as texts: of what is owed one a currency."""
    if isinstance(cell, Owed):
        return amount_texts(statement, cell)
    return [cell if isinstance(cell, str) else exact_count(cell)]
