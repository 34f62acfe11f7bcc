"""The colours of charts: what each means, and which a value of a dimension has."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

COLORS = {
    "input_tokens": "#3B82F6",
    "output_tokens": "#E8833A",
    "total_tokens": "#8A94A6",
    "cache_read_tokens": "#14A38B",
    "input_cost_usd": "#3B82F6",
    "output_cost_usd": "#E8833A",
    "cache_read_cost_usd": "#14A38B",
    "cache_write_cost_usd": "#A855C7",
    "other_cost_usd": "#8A94A6",
    "successful": "#2E9E6B",
    "failed": "#D6453D",
    "requests": "#8A94A6",
    "spend_usd": "#5B6FD8",
    "success_rate": "#2E9E6B",
    "failure_rate": "#D6453D",
    "errors": "#D6453D",
    "latency_p50_ms": "#3B82F6",
    "latency_p95_ms": "#E8833A",
    "latency_p99_ms": "#D6453D",
}
"""What a colour means, everywhere. Chosen to be told apart with any colour vision and to read on light and on dark."""

QUIET = "#8A94A6"
"""Shades and labels: readable on light and on dark, and never the message."""

STATUS_COLORS = {"success": COLORS["successful"], "error": COLORS["failed"], "cancelled": "#E39B3D", None: QUIET}
"""The colours of outcomes; None is the one that is not reported."""

CHANGE_COLORS = {
    "down": (COLORS["failed"], COLORS["successful"]),
    "up": (COLORS["successful"], COLORS["failed"]),
    None: (COLORS["input_tokens"], COLORS["output_tokens"]),
}
"""Which direction of a metric is better -> the colours of what makes it rise and fall."""

OTHER_COLOR, MISSING_COLOR = "#A3ABB8", "#C9A227"
PALETTE = (
    "#4E79D6", "#E97125", "#037465", "#B84086", "#27C97C", "#7B5E1C", "#F295FB", "#BF7BC5",
    "#6154A8", "#91A160", "#B57260", "#9583FA", "#33969F", "#904D4A", "#3CA2E0", "#6E7C3C",
)  # fmt: skip
"""Found by a search for colours that lie far from each other with normal vision and with each kind of colour blindness, that read
on light and on dark, and that are none of a meaning. Those of the first row lie farthest apart.
"""
APART = 8
"""How many values the first row is for."""


def colors(ranked: Iterable[str | None]) -> dict[str | None, str]:
    """A colour for each value, the first in rank first. A name prefers the colour of its own hash, so it mostly keeps it when ranks
    and ranges change.
    """
    color_of: dict[str | None, str] = {None: MISSING_COLOR}
    free = {*PALETTE}
    for place, value in enumerate(value for value in dict.fromkeys(ranked) if value is not None):
        row = PALETTE[:APART] if place < APART else PALETTE[APART:]
        wish = crc32(value.encode()) % len(row)
        wishes = [*row[wish:], *row[:wish]]
        color_of[value] = next((color for color in wishes if color in free), row[wish])
        free.discard(color_of[value])
    return color_of


def series_colors(metrics: Iterable[str]) -> list[str]:
    """A colour for each metric: that of its meaning, else one of its own."""
    names = list(metrics)
    other = colors(name for name in names if name not in COLORS)
    return [COLORS.get(name) or other[name] for name in names]
