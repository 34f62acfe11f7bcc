"""A report as HTML: a file that needs nothing else, and a mail.

Both are tables and styles within their elements, as mail programs know no others, and run no script. Every text is escaped. In the
file charts are SVG as the sources of images, where nothing in them can run or load, each once for wide and once for narrow screens.
Most mail programs show neither SVG nor `data:` sources (Gmail and Outlook take them out), so the mail has PNG parts that it names
by `cid:`, and the file attached. Its HTML stays below the 102 kB after which Gmail cuts a message.

Outlook for Windows draws with Word: it knows no `max-width`, `inline-block` or `opacity`, and no padding of what is no cell. So all
padding is that of cells, paler colors are colors, and tables that Word alone sees (`<!--[if mso]>`) keep widths and cards in rows.
Where a program draws dark by itself it is asked not to; charts are on white, whatever it does.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape
from itertools import count

from usagecost.alerts import Letter
from usagecost.reports.content import Bar, Cards, Part, Picture, Report, Section, Table
from usagecost.reports.pictures import LINE, NARROW, QUIET, WIDE, png_of, svg_of
from usagecost.vocabulary.cards import Card
from usagecost.vocabulary.colours import COLORS, MISSING_COLOR
from usagecost.vocabulary.formats import printable

TEXT, GOOD, BAD, ACCENT = "#1C2430", "#1E7B50", "#B5332B", "#2F5FD0"
WHITE, FONT = "#FFFFFF", "Arial, Helvetica, sans-serif"
"""The font is one that every mail program has; Liberation Sans, which pictures have, is as wide."""
IN_A_ROW = {1: 2, 2: 2, 4: 4}
"""How many cards there are -> how many of them fill a row; of other numbers three do."""
MAIL_WIDTH = 560
"""Pixels of a chart in a mail, which a phone makes smaller."""
PLAIN_TABLE = 'width="100%" cellpadding="0" cellspacing="0" border="0"'
SHEET_IN_WORD = f'<table role="presentation" width="{WIDE}"><tr><td>'
SMALL = f"font-size:12px;line-height:17px;color:{QUIET}"
HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">{policy}
<meta name="color-scheme" content="light only"><meta name="supported-color-schemes" content="light only"><title>{title}</title>
<style>
:root {{ color-scheme: light only }}
@page {{ size: A4; margin: 14mm }}
* {{ -webkit-print-color-adjust: exact; print-color-adjust: exact }}
.section, .bar {{ break-inside: avoid }}
h2 {{ break-after: avoid }}
@media screen and (max-width: 480px) {{
.wide {{ display: none !important }}
.narrow {{ display: block !important }}
.card {{ width: 50% !important; min-width: 0 !important }}
.number {{ padding-left: 6px !important; font-size: 12px !important }}
}}
@media print {{ .link {{ display: none }} .sheet {{ padding: 0 !important }} }}
</style>
<!--[if mso]><style>table, td, th, div, h1, h2, span {{ font-family: Arial, sans-serif !important }}</style><![endif]--></head>"""
POLICY = """
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">"""
"""Of the file, which has all that it shows; a mail's pictures are its other parts."""
Drawn = Callable[[Picture], str]
"""Makes the element of a picture."""


def page_html(report: Report) -> str:
    """Returns a report as a file of its own."""
    return _document(report, _svg_element, POLICY)


def letter_of(report: Report) -> Letter:
    """Returns a report as a mail, with the file attached."""
    pictures: dict[str, bytes] = {}
    numbers = count(1)

    def element(picture: Picture) -> str:
        name = f"chart-{next(numbers)}.png"
        pictures[name] = png_of(picture.drawing, MAIL_WIDTH)
        return _image(f"cid:{name}", picture.alt_text, MAIL_WIDTH, "mailed")

    html = _document(report, element)
    return Letter(html, pictures, report.file_name, page_html(report).encode())


def _document(report: Report, draw: Drawn, policy: str = "") -> str:
    return f"{HEAD.format(policy=policy, title=_text(report.title))}{_body(report, draw)}</html>\n"


def _body(report: Report, draw: Drawn) -> str:
    lines = "".join(f'<div style="{SMALL}">{_text(line)}</div>' for line in report.lines)
    link = (
        f'<div class="link" style="margin-top:10px"><a href="{_text(report.link)}" style="color:{ACCENT};font-size:13px;'
        f'font-weight:600;text-decoration:none">Open in Usage &amp; Cost →</a></div>'
        if report.link
        else ""
    )
    sections = "".join(_section(section, draw) for section in report.sections)
    return (
        f'<body style="margin:0;padding:0;background-color:{WHITE}">'
        f'<table role="presentation" {PLAIN_TABLE} bgcolor="{WHITE}"><tr><td align="center">'
        f'{_in_word(SHEET_IN_WORD)}<div style="max-width:{WIDE}px;margin:0 auto">'
        f'<table role="presentation" {PLAIN_TABLE}><tr><td class="sheet" align="left" style="padding:24px 16px;font-family:{FONT};'
        f'font-size:14px;line-height:20px;color:{TEXT}">'
        f'<h1 style="margin:0 0 6px;font-size:24px;line-height:30px;font-weight:700">{_text(report.title)}</h1>{lines}{link}'
        f'{sections}<div style="{SMALL};margin-top:28px;border-top:1px solid {LINE}">{_text(report.footer)}</div>'
        f"</td></tr></table></div>{_in_word('</td></tr></table>')}</td></tr></table></body>"
    )


def _in_word(html: str) -> str:
    """What Outlook for Windows alone sees."""
    return f"<!--[if mso]>{html}<![endif]-->"


def _section(section: Section, draw: Drawn) -> str:
    heading = f'<h2 style="margin:0 0 8px;font-size:16px;line-height:22px;font-weight:600">{_text(section.title)}</h2>'
    parts = "".join(_part(part, draw) for part in section.parts)
    notes = f'<div style="{SMALL};margin-top:6px">{_text(" ".join(section.notes))}</div>' if section.notes else ""
    return f'<div class="section" style="margin-top:24px">{heading if section.title else ""}{parts}{notes}</div>'


def _part(part: Part, draw: Drawn) -> str:
    if isinstance(part, Cards):
        return _cards(part.cards)
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Bar):
        return _bar(part)
    return draw(part) if isinstance(part, Picture) else f"<div>{_text(part)}</div>"


def _cards(cards: Sequence[Card]) -> str:
    """Cards in rows; on a narrow screen fewer fit into one."""
    most = IN_A_ROW.get(len(cards), 3)
    cells = []
    for place, card in enumerate(cards):
        begin = "</tr><tr>" if place and place % most == 0 else ""
        cells.append(
            f"{_in_word(f'{begin}<td width={100 // most}% valign=top>')}{_card(card, f'{100 / most:.1f}%')}{_in_word('</td>')}"
        )
    return f"{_in_word(f'<table {PLAIN_TABLE}><tr>')}{''.join(cells)}{_in_word('</tr></table>')}"


def _card(card: Card, width: str) -> str:
    color = QUIET if card.is_good is None else GOOD if card.is_good else BAD
    arrow = "▼" if card.direction == "down" else "▲"
    change = f'<span style="color:{color};font-weight:600">{arrow} {_text(card.change)}</span>' if card.change else "&nbsp;"
    return (
        f'<div class="card" style="display:inline-block;width:{width};min-width:158px;vertical-align:top">'
        f'<table role="presentation" {PLAIN_TABLE}><tr><td style="padding:0 8px 8px 0">'
        f'<table role="presentation" {PLAIN_TABLE} style="border:1px solid {LINE};border-radius:8px;border-collapse:separate"><tr>'
        f'<td style="padding:10px 12px">'
        f'<div style="{SMALL};white-space:nowrap;overflow:hidden">{_text(card.metric.label)}</div>'
        f'<div style="font-size:20px;line-height:28px;font-weight:600;white-space:nowrap">{_text(card.value)}</div>'
        f'<div style="font-size:12px;line-height:17px">{change}</div></td></tr></table></td></tr></table></div>'
    )


def _table(table: Table) -> str:
    head = _row(table.headings, f"{SMALL};font-weight:600;border-bottom:1px solid #C9CFD8", "th")
    *rows, last = table.rows
    body = "".join(_row(row, f"font-size:13px;line-height:18px;border-bottom:1px solid {LINE}") for row in rows)
    total = _row(last, "font-size:13px;line-height:18px;font-weight:600;border-top:1px solid #C9CFD8")
    return f'<table {PLAIN_TABLE} style="border-collapse:collapse">{head}{body}{total}</table>'


def _row(texts: Sequence[str], style: str, cell: str = "td") -> str:
    """The first text names the row and may break; the others are numbers."""
    name, *numbers = texts
    of_name = f"padding:5px 6px 5px 0;overflow-wrap:anywhere;{style}"
    of_number = f"padding:5px 0 5px 10px;white-space:nowrap;vertical-align:top;font-variant-numeric:tabular-nums;{style}"
    cells = [f'<{cell} align="left" style="{of_name}">{_text(name)}</{cell}>']
    cells += [f'<{cell} class="number" align="right" style="{of_number}">{_text(text)}</{cell}>' for text in numbers]
    return f"<tr>{''.join(cells)}</tr>"


def _bar(bar: Bar) -> str:
    """A name, the bar of what is used, paler what the forecast adds, and what is said of it."""
    scale = max(1.0, bar.used, bar.ahead)
    color = COLORS["failed"] if bar.used >= 1 else MISSING_COLOR if bar.ahead >= 1 else COLORS["spend_usd"]
    shares = [(bar.used / scale, color), (max(bar.ahead - bar.used, 0) / scale, _paler(color))]
    shares.append((1 - sum(share for share, _ in shares), LINE))
    cells = "".join(
        f'<td width="{max(share, 0.01):.0%}" height="8" bgcolor="{color}" style="font-size:1px;line-height:8px">&nbsp;</td>'
        for share, color in shares
        if share > 0.001
    )
    lines = "".join(f'<div style="{SMALL}">{_text(words)}</div>' for words in bar.said)
    return (
        f'<div class="bar" style="margin:0 0 14px"><div style="overflow-wrap:anywhere"><b style="font-weight:600">{_text(bar.name)}'
        f'</b> <span style="{SMALL}">{_text(bar.scope)}</span></div>'
        f'<table role="presentation" {PLAIN_TABLE} style="margin:4px 0"><tr>{cells}</tr></table>{lines}</div>'
    )


def _paler(color: str) -> str:
    """A color, #RRGGBB, as a third of it looks on white."""
    return "#" + "".join(f"{255 - (255 - int(color[place : place + 2], 16)) * 35 // 100:02X}" for place in (1, 3, 5))


def _svg_element(picture: Picture) -> str:
    """Two images, of which the screen's width and paper choose one."""
    wide, narrow = (_data_of(svg_of(picture.drawing, width)) for width in (WIDE, NARROW))
    return f"{_image(wide, picture.alt_text, WIDE, 'wide')}{_image(narrow, picture.alt_text, NARROW, 'narrow')}"


def _image(source: str, alt_text: str, width: int, name: str = "wide") -> str:
    display = "none" if name == "narrow" else "block"
    style = f"display:{display};width:100%;height:auto;border:0;max-width:{WIDE}px"
    return f'<img class="{name}" src="{source}" width="{width}" alt="{_text(alt_text)}" style="{style}">'


def _data_of(svg: str) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _text(text: str) -> str:
    """A text as HTML that shows it, in a line."""
    return escape(printable(text))
