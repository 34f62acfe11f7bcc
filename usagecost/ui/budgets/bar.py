"""The bar of a budget: what is used, where the forecast ends, and the pace that would just use it up."""

from __future__ import annotations

from usagecost.budgets import State
from usagecost.vocabulary.colours import COLORS, MISSING_COLOR
from usagecost.vocabulary.formats import percent

HEIGHT = 12


def bar_html(state: State) -> str:
    """Returns the bar as HTML; nothing in it is a text of people or logs."""
    used, ahead = float(state.share(state.used) or 0), float(state.forecast_share or 0)
    scale = max(1.0, used, ahead)
    color = COLORS["failed"] if used >= 1 else MISSING_COLOR if ahead >= 1 else COLORS["spend_usd"]
    said = f"{percent(state.share(state.used))} of the budget used, {percent(state.pace)} of the period over"
    parts = [
        _part(0, ahead / scale, color, 0.3) if ahead > used else "",
        _part(0, used / scale, color, 1),
        _line(state.pace / scale, "2px dashed currentColor"),
        _line(1 / scale, "2px solid currentColor") if scale > 1 else "",
    ]
    track = "background:color-mix(in srgb,currentColor 12%,transparent)"
    return (
        f"<div role='img' aria-label='{said}' style='position:relative;height:{HEIGHT}px;margin:4px 0;border-radius:3px;{track}'>"
        f"{''.join(parts)}</div>"
    )


def _part(start: float, end: float, color: str, opacity: float) -> str:
    place = f"left:{start:.2%};width:{end - start:.2%};opacity:{opacity}"
    return f"<div style='position:absolute;top:0;height:100%;border-radius:3px;{place};background:{color}'></div>"


def _line(place: float, border: str) -> str:
    return f"<div style='position:absolute;left:calc({place:.2%} - 1px);top:-3px;height:{HEIGHT + 6}px;border-left:{border}'></div>"
