"""From what is asked for to a report: the view, its title, lines and link, and the sections of the page or of a board."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from usagecost import engine, periods, queries
from usagecost.boards import Board, boards_folder, shelved_boards
from usagecost.exports import file_name
from usagecost.lake import LakeError
from usagecost.periods import Period, compared
from usagecost.periods.comparison import BEFORE
from usagecost.periods.presets import PRESETS, LastHours, preset_period
from usagecost.periods.words import days_text, previous_text, shortage_text, stretch_text
from usagecost.reports import board_page, usage_page
from usagecost.reports.content import Cards, Report
from usagecost.vocabulary import FILTERED
from usagecost.vocabulary.filters import EVERYTHING, NOT_REPORTED, Condition, Filters, View

SETTING = "USAGECOST_ADDRESS"
USAGE_PAGE = "Usage and cost"


def link_of(view: View, compare: str, board: str | None) -> str | None:
    """Returns a link to the Usage page, or to a board, of a view; None without an address, or where no URL says its filters."""
    address = os.environ.get(SETTING, "").strip().rstrip("/")
    conditions = [one for one in view.filters.conditions if isinstance(one, Condition)]
    is_sayable = len(conditions) == len(view.filters.conditions) and all(one.dimension in FILTERED for one in conditions)
    if urlsplit(address).scheme not in ("http", "https") or not is_sayable:
        return None
    period = view.period
    pairs = [("range", "24h")] if isinstance(period, LastHours) else _days(view)
    pairs += [("compare", compare), ("zone", period.zone)]
    for one in conditions:
        pairs += [(one.dimension, NOT_REPORTED if value is None else value) for value in one.values]
        pairs += [(f"not_{one.dimension}", "true")] if one.excludes else []
    page = "/Dashboards" if board else "/"
    return f"{address}{page}?{urlencode([*([('board', board)] if board else []), *pairs])}"


def _days(view: View) -> list[tuple[str, str]]:
    return [("range", "custom"), ("days", str(view.period.first)), ("days", str(view.period.last))]


class ReportProblem(LakeError):  # noqa: N818 - a sentence for who asked for it
    """Why there is no such report, in a sentence."""


@dataclass(frozen=True)
class Order:
    """What is asked for: the Usage page or a ``board``, of a preset or some ``days`` of a zone, and of which requests.

    ``filters`` are dimensions with a value or its name. Two of one dimension mean either.
    """

    zone: str
    preset: str
    days: tuple[date, date] | None = None
    compare: str = BEFORE
    filters: tuple[tuple[str, str], ...] = ()
    board: str | None = None


def make_report(lake: str, order: Order, now: datetime, due: datetime | None = None) -> Report:
    """Returns the report as of now; the days of a preset are those of when it was ``due``.

    Raises ReportProblem where there is no such board, LakeError and UnansweredError.
    """
    version = engine.open_lake(lake).version()
    labels, span = queries.labels(lake, version, EVERYTHING), queries.data_span(lake, version, EVERYTHING)
    if order.days:
        period = Period(*order.days, order.zone, now)
    else:
        period = replace(preset_period(order.preset, order.zone, due or now, span, periods.week_start()), now=now)
    filters, interval = Filters(labels.conditions(order.filters)), periods.auto_interval(period.days)
    view = View(lake, version, compared(period, order.compare), interval, "best", filters, periods.week_start())
    name, board = find_board(lake, order.board)
    oldest = queries.missing_until(span, view.period)
    lack = shortage_text(oldest) if oldest else None
    filter_words = view.filters.phrases(labels.of)
    sections = list(board_page.sections(board, view, labels, lack) if board else usage_page.sections(view, labels, lack))
    begin = 1 if any(isinstance(part, Cards) for section in sections[:1] for part in section.parts) else 0
    title = board.title if board else USAGE_PAGE
    through = span[1].astimezone(ZoneInfo(order.zone)) if span else None
    return Report(
        title,
        [
            f"{_range_text(order, view.period)} · {order.zone}",
            *([f"Only {' · '.join(filter_words)}"] if filter_words else []),
            lack or previous_text(view.period),
            *([board.description] if board and board.description else []),
            f"Data through {through:%H:%M}, {days_text(through.date(), through.date())}." if through else "The lake is empty.",
        ],
        [*sections[:begin], *usage_page.why(view, lack, labels), *sections[begin:], *usage_page.budgets(view, labels)],
        link_of(view, order.compare, name),
        file_name(title, "html", (view.period.first, view.period.last), filter_words),
    )


def find_board(lake: str, wish: str | None) -> tuple[str, Board] | tuple[None, None]:
    """Returns the name of a board's file, and the board, by that name, with or without its ending, or by its title.

    Nothing where none is asked for; raises ReportProblem where there is none, or it is broken, and LakeError.
    """
    if wish is None:
        return None, None
    shelf = shelved_boards(boards_folder(engine.open_lake(lake)))
    names = [{one.name, one.name.removesuffix(".toml"), one.title} for one in shelf]
    shelved = next((one for one, of_one in zip(shelf, names, strict=True) if wish in of_one), None)
    if shelved is None:
        names_known = ", ".join(one.name.removesuffix(".toml") for one in shelf)
        raise ReportProblem(f"There is no board {wish}: use one of {names_known}.")
    if shelved.board is None:
        raise ReportProblem(str(shelved.problem))
    return shelved.name, shelved.board


def _range_text(order: Order, period: Period) -> str:
    """Last week: 23–29 Nov 2026; the days alone where they have no name."""
    is_hours = isinstance(period, LastHours)
    days = stretch_text(period.start, period.end, period.zone) if is_hours else days_text(period.first, period.last)
    return days if order.days else f"{PRESETS[order.preset][0]}: {days}"
