"""A forecast in words: how much, how it was made, and how good the same rule was in the periods before."""

from __future__ import annotations

from usagecost.forecast import METHODS, Forecast, TooLittle
from usagecost.queries.forecasts import Outlook, history, outlook, reaches_into
from usagecost.ui.answers import answer
from usagecost.ui.spend import MARK
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

UNTIL = {"month": "Month end", "quarter": "Quarter end", "year": "Year end"}


def outlook_of(view: View) -> Outlook | None:
    """The forecast of the running month, for views that reach into it."""
    return outlook(answer(history, view)) if reaches_into(view) else None


def forecast_text(found: Outlook) -> str:
    """Forecast $812 ± 40 this month; or that there is none."""
    if isinstance(found.found, TooLittle):
        return "No forecast yet"
    mark = MARK if found.is_at_least else ""
    return f"Forecast {mark}{formats.around(found.found.total, found.found.margin)} this month"


def forecast_help(found: Outlook, until: str = "month") -> str:
    """How the forecast was made, and how good the same rule was; or what is lacking."""
    if isinstance(found.found, TooLittle):
        return f"A forecast takes more history: {lack_text(found.found)}."
    words = f"By {found.found.method}, the best of {len(METHODS)} methods in {found.found.tests} tests on earlier days. "
    words += error_text(found.found, until)
    return f"{words} A lower bound: some requests have no full price." if found.is_at_least else words


def error_text(found: Forecast, until: str) -> str:
    """At day 20 it was within 4.0% in the last six months."""
    if not found.errors:
        return f"No whole {until} before tells how good it is."
    periods = f"the last {len(found.errors)} {until}s" if len(found.errors) > 1 else f"the last {until}"
    return f"At day {found.day_of_period} it was within {formats.percent(max(found.errors))} in {periods}."


def lack_text(lack: TooLittle) -> str:
    """12 of 31 days of history."""
    return f"{lack.known} of {lack.needed} days of history" + (f" in the last {lack.of_last}" if lack.of_last else "")
