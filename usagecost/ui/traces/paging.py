"""Where in the list a page is: its place in the URL, its rows' numbers, and the buttons that turn it.

A place is a key, never a page's number: then the last page is as quick as the first, and what arrives meanwhile repeats nothing.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zlib import crc32

import streamlit as st

from usagecost import queries
from usagecost.queries.requests import TEXTS, Key, Order
from usagecost.ui.address import Choice
from usagecost.ui.answers import answer
from usagecost.ui.memory import is_cached
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import exact_count

PAGE = 50
LAST = "last"
CHOICES = {"at": Choice()}
"""Where the page begins: LAST, or the row that it begins behind or ends before; nothing for the first one."""


@dataclass(frozen=True)
class Page:
    """Some requests of a list, and how many stand before them and altogether."""

    rows: list[dict[str, Any]]
    before: int
    matching: int

    @property
    def number(self) -> int:
        """The number of the page, from 1; of one that begins within a page, where it ends."""
        return 1 + -(-self.before // PAGE)

    @property
    def words(self) -> str:
        """Rows 51–100 of 12,345 · page 2 of 247."""
        first, last = exact_count(self.before + 1), exact_count(self.before + len(self.rows))
        pages = max(self.number, -(-self.matching // PAGE))
        return f"Rows {first}–{last} of {exact_count(self.matching)} · page {exact_count(self.number)} of {exact_count(pages)}"


def page_of(view: View, order: Order, matching: int) -> Page:
    """The page that the URL says; the first one where it says nothing, or of another list."""
    at, is_before, most = _page_bounds(view, order, matching)
    rows = answer(queries.requests.page, view, order, at, is_before, most)
    if (at is not None and not rows) or (is_before and len(rows) < most):  # what was before or behind is gone
        at, is_before = None, False
        rows = answer(queries.requests.page, view, order, None, False, PAGE)
    if at is None:
        return Page(rows, matching - len(rows) if is_before else 0, matching)
    numbered = _numbered(view)
    before = answer(queries.requests.count_before, view, order, key_of(rows[0])) if numbered is None else numbered
    return Page(rows, before, matching)


def cached_rows(view: View, order: Order) -> list[dict[str, Any]]:
    """The rows of the page that the URL says, if they are read already."""
    at, is_before, most = _page_bounds(view, order, None)
    question = (view, order, at, is_before, most)
    return answer(queries.requests.page, *question) if is_cached(queries.requests.page, *question) else []


def key_of(row: dict[str, Any]) -> Key:
    """The place of a row in the order it was listed in."""
    return Key(row["value"], row["instant_us"], row["source"], row["request_id"])


def first_page() -> None:
    """Begins the list at its beginning."""
    st.session_state["at"] = None


def turning(view: View, page: Page) -> None:
    """The buttons to the other pages."""
    is_first, is_last = page.before == 0, page.before + len(page.rows) >= page.matching
    end = page.before + len(page.rows)
    for name, icon, is_off, click, args in (
        ("first", "first_page", is_first, first_page, ()),
        ("previous", "chevron_left", is_first, _turn, (view, page.rows[0], True, max(0, page.before - PAGE))),
        ("next", "chevron_right", is_last, _turn, (view, page.rows[-1], False, end)),
        ("last", "last_page", is_last, _last_page, ()),
    ):
        st.button(
            name.capitalize(),
            key=f"page_{name}",
            icon=f":material/{icon}:",
            icon_position="right" if name in ("next", "last") else "left",
            type="tertiary",
            disabled=is_off,
            on_click=click,
            args=args,
        )


def _last_page() -> None:
    st.session_state["at"] = LAST


def _turn(view: View, row: dict[str, Any], is_before: bool, number: int) -> None:
    """Begins the list behind a row, or ends it before: ``number`` rows stand before it then, in this version of the lake."""
    value = None if row["value"] is None else str(row["value"])
    bound = [value, row["instant_us"], row["source"], row["request_id"], is_before, list_of(view), number, *_counted_in(view)]
    st.session_state["at"] = json.dumps(bound, ensure_ascii=False)


def _page_bounds(view: View, order: Order, matching: int | None) -> tuple[Key | None, bool, int]:
    """The key that the page begins behind, or ends before, and how many rows it has."""
    if st.session_state["at"] == LAST:
        return None, True, ((matching or 0) - 1) % PAGE + 1
    with suppress(ValueError, TypeError, KeyError, ArithmeticError):
        value, instant_us, source, request_id, is_before, list_id, *_ = json.loads(st.session_state["at"])
        if list_id == list_of(view) and isinstance(instant_us, int) and isinstance(source, str) and isinstance(request_id, str):
            return Key(_read(value, order), instant_us, source, request_id), bool(is_before), PAGE
    return None, False, PAGE


def _read(value: Any, order: Order) -> Any:
    """What a place is ordered by, out of the text that the URL says."""
    if value is None or order.sort in TEXTS:
        return value if value is None else str(value)
    kinds = {"cost": Decimal, "latency": float, "ttft": float}
    return kinds.get(order.sort, int)(value)


def _numbered(view: View) -> int | None:
    """How many rows stand before the page, as the URL says; None where that is of another version of the lake."""
    with suppress(ValueError, TypeError):
        number, *counted_in = json.loads(st.session_state["at"])[6:]
        if counted_in == _counted_in(view) and isinstance(number, int) and number >= 0:
            return number
    return None


def _counted_in(view: View) -> list[int]:
    """What a count of rows holds for: a version of the lake, and the first day of the period, which may go with the calendar.

    A version tells how often others' requests came, so for who may see a part only a day's counts hold.
    """
    return [view.version if view.scope.is_everything else view.period.today.toordinal(), view.period.first.toordinal()]


def list_of(view: View) -> int:
    """What tells the list that a place is in from those of other orders, filters and ranges."""
    question = [st.session_state[name] for name in ("sort", "order", "range", "days")]
    return crc32(repr((question, view.basis, view.period.zone, view.filters)).encode())
