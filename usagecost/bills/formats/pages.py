"""Pages of an API that tells costs: one page, a list of pages, or one page a line; none is missing and none stands there twice.

A script may have saved the items alone; whether all of them are there is then not told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from usagecost.bills.formats.shape import Line, Notes, Unreadable, instant, period


@dataclass(frozen=True, eq=False)
class ApiFormat:
    """A format of an API: pages with items in ``data``, and `has_more` where another page follows.

    ``fits`` says whether an item is one of this format; ``read`` makes its lines, without days. ``starts`` and ``ends`` are the
    item's keys for its period. Where items are buckets, each with a list of ``results``, the days of empty ones are covered too.
    """

    name: str
    title: str
    fits: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], Iterable[Line]]
    starts: str
    ends: str | None

    def recognises(self, first: Mapping[str, Any]) -> bool:
        """Whether a file is one, by the keys of the first item of its first JSON value."""
        items = first.get("data", [first])
        return isinstance(items, list) and bool(items) and isinstance(items[0], Mapping) and self.fits(items[0])

    def lines(self, values: Iterable[tuple[int, Any]], notes: Notes) -> Iterator[tuple[int, Line]]:
        """The lines of all items. Their numbers count them, as a place in JSON has none."""
        count, buckets = 0, set()
        for place, item in enumerate(_items(self._pages(values), notes), 1):
            try:
                if not isinstance(item, Mapping) or not self.fits(item):
                    raise Unreadable("it is no part of such an answer: save what the API answers as it is.")
                days = self._days(item)
                if "results" in item and (bucket := (item[self.starts], item.get(self.ends or ""))) in buckets:
                    raise Unreadable(
                        f"its days stand there twice ({bucket[0]}): save one answer, as the bill would be counted twice."
                    )
                elif "results" in item:
                    buckets.add(bucket)
                notes.days.update(days)
                for line in self.read(item):
                    count += 1
                    yield count, {"first_day": days[0], "last_day": days[1], **line}
            except Unreadable as problem:
                raise Unreadable(f"item {place}: {problem}") from None

    def _pages(self, values: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
        """The values, of which one that is an item by itself becomes a page."""
        for place, value in values:
            is_item = isinstance(value, Mapping) and "data" not in value and self.fits(value)
            yield place, {"data": [value]} if is_item else value

    def _days(self, item: Mapping[str, Any]) -> tuple[date, date]:
        starts = instant(item.get(self.starts))
        if starts is None:
            raise Unreadable(f"it has no {self.starts}: save what the API answers as it is.")
        return period(starts, instant(item.get(self.ends)) if self.ends else None)


def _items(values: Iterable[tuple[int, Any]], notes: Notes) -> Iterator[Any]:
    """The items of all pages; a page that is there twice, or is missing at the end, is Unreadable."""
    lacks_page, digests = False, set()
    for place, page in values:
        if not isinstance(page, Mapping) or not isinstance(page.get("data"), list):
            raise Unreadable(f"page {place} has no list `data`: save what the API answers as it is.")
        notes.made(instant(page.get("data_refreshed_at")))
        lacks_page = page.get("has_more") is True
        digest = hash(json.dumps(page["data"], sort_keys=True, default=str))
        if page["data"] and digest in digests:
            raise Unreadable(f"page {place} stands there twice, which would count it twice: save each page once.")
        digests.add(digest)
        yield from page["data"]
    if lacks_page:
        raise Unreadable("the last page says has_more: save the pages that follow too, or let `bill fetch` ask for them.")
