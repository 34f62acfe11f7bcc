"""The values of a dimension as one table: what each cost, its share and change, how much it was used, and how well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from usagecost import queries
from usagecost.charts import Drawing, bar_label, ranked_bars
from usagecost.queries import folds
from usagecost.queries.folds import AT_LEAST, Usage
from usagecost.ui import drilldown
from usagecost.ui.blocks import MOST_ROWS_UNSCROLLED, draw, heading, make_once, table
from usagecost.ui.currency import chosen_rate, spend_in
from usagecost.ui.labels import palette, with_names
from usagecost.ui.marks import shortage
from usagecost.ui.tables import mark_column, with_mark_column
from usagecost.ui.text import plain
from usagecost.vocabulary import DIMENSIONS, METRICS
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import signed_percent
from usagecost.vocabulary.spend import spend_text

LOOKS = ("Table view", "Chart view")
COLUMNS = (
    "spend_usd", "requests", "total_tokens", "spend_per_request", "spend_per_million_tokens", "cache_read_share", "latency_p95_ms",
)  # fmt: skip
"""What the table says of each value, beside its share of the spend and the change of that."""

MOST_WITHOUT_SEARCH = 10
PERCENT = "%,.1f%%"
USD = ((1.0, "$%,.2f"), (0.01, "$%,.4f"), (0.0, "$%,.6f"))
"""How amounts are written, by how much the largest is at least."""
TOTAL = "Total"


def ranking(usage: Usage, view: View, by: str, most: int, *, everything: Callable[[], Usage], title: str = "") -> None:
    """The values of a dimension ranked by spend, as a table or as bars; what is cut is one "Other", so that they add up.

    ``everything`` answers the same of the whole period, which decides the colours of bars.
    """
    plural = DIMENSIONS[by].plural
    top = make_once(usage, view, ("top", by, most), lambda: with_names(folds.top_values(usage.by_value, most), view, by, plural))
    heading(
        title or f"{plural.capitalize()} breakdown",
        lambda: queries.ranking.ranked(usage, top, by, COLUMNS),
        name=f"{by}-ranking",
        file=f"usage and cost by {by}",
        help=f"The {plural} of the period by spend. What has no amount has no known price. A click shows its requests.",
    )
    look = st.segmented_control("View", LOOKS, required=True, key="ranked", label_visibility="collapsed")
    if look == LOOKS[1]:
        drawing = make_once(usage, view, ("bars", by, most), lambda: _bars(usage, view, by, top, everything()))
        with st.container(height=720 if len(top) > MOST_ROWS_UNSCROLLED else "content", border=False):
            on_mark = drilldown.from_ranking(view, by, top)
            draw(drawing, name=f"{by}-ranking", alt_text=f"{plural.capitalize()} ranked by spend", on_mark=on_mark)
    else:
        _table(usage, view, by, top, make_once(usage, view, ("ranked", by, most), lambda: _numbers(usage, by, top)))


def _bars(usage: Usage, view: View, by: str, top: pd.DataFrame, everything: Usage) -> Drawing:
    """The bars of the rows of ``top_values``, named."""
    spend = METRICS["spend_usd"]
    texts = [bar_label(spend, row, spend.of(usage.totals)) for row in top.to_dict("records")]
    return ranked_bars(top.assign(text=texts), "spend_usd", palette(view, by, top, everything=everything))


def _numbers(usage: Usage, by: str, top: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``top_values``, named, the most expensive first, "Other" and the total at the end, as the table draws them."""
    total = pd.DataFrame([{by: TOTAL, **queries.ranking.total_row(usage, COLUMNS)}])
    ranked = queries.ranking.ranked(usage, top, by, COLUMNS)
    return _in_units(pd.concat([ranked, total.assign(**{AT_LEAST: folds.is_at_least(total)})], ignore_index=True))


def _table(usage: Usage, view: View, by: str, top: pd.DataFrame, numbers: pd.DataFrame) -> None:
    """The table of `_numbers`, or of those that a reader looks for; a row opens its requests."""
    plural = DIMENSIONS[by].plural
    matching = numbers
    if len(top) > MOST_WITHOUT_SEARCH:
        text = st.text_input(
            f"Find {plural}",
            key=f"find_{by}",
            placeholder=f"Find {plural}",
            label_visibility="collapsed",
            icon=":material/search:",
            width=320,
        )
        matching = numbers[numbers[by].str.contains(text, case=False, regex=False)] if text else numbers
    places, open_value = list(matching.index), drilldown.from_row(view, by, top)
    table(
        matching.reset_index(drop=True),
        name=f"{by}-ranked",
        columns=_columns(by, numbers, compares=usage.before is not None and not shortage(view)),
        alt_text=f"{plural.capitalize()} ranked by spend, with requests, tokens, unit costs, cache reads and latency",
        on_open=lambda row: open_value(places[row]) if places[row] < len(top) else drilldown.open_requests(view.filters),
        texts={"change": signed_percent, "spend_per_request": METRICS["spend_per_request"].format},
        names=by,
    )
    rate = chosen_rate(view)
    if rate and (other := spend_in(rate, usage.totals)):
        st.caption(plain(f"Total: {spend_text(usage.totals)}, or {other} at {rate.words}."))


def _columns(by: str, numbers: pd.DataFrame, *, compares: bool) -> dict[str, Any]:
    """How the table draws its columns; that of the mark only where an amount has it."""
    most = max((float(amount) for amount in numbers["spend_usd"].iloc[:-1].dropna()), default=0.0)
    usd = next((form for least, form in USD if most >= least), USD[-1][1])
    change = st.column_config.NumberColumn("Change", help="Of the spend, against the comparison period")

    def number(label: str, form: str | None, metric: str) -> Any:
        return st.column_config.NumberColumn(label, format=form, help=METRICS[metric].help)

    return {
        by: st.column_config.TextColumn(DIMENSIONS[by].label, width="medium", pinned=True),
        **({AT_LEAST: mark_column()} if (numbers[AT_LEAST] != "").any() else {}),
        "spend_usd": st.column_config.ProgressColumn("Spend", format=usd, min_value=0.0, max_value=most or 1.0, width=130),
        "share": st.column_config.NumberColumn("Share", format=PERCENT, help="Of the spend of all values"),
        **({"change": change} if compares else {}),
        "requests": number("Requests", "localized", "requests"),
        "total_tokens": number("Tokens", "compact", "total_tokens"),
        "spend_per_request": number("$ / request", None, "spend_per_request"),
        "spend_per_million_tokens": number("$ / M tokens", "$%,.2f", "spend_per_million_tokens"),
        "cache_read_share": number("Cache reads", PERCENT, "cache_read_share"),
        "latency_p95_ms": number("p95 latency", "%,.1f s", "latency_p95_ms"),
    }


def _in_units(numbers: pd.DataFrame) -> pd.DataFrame:
    """The numbers as the table draws them: shares in percent, latencies in seconds, the mark of a lower bound as a sign."""
    percent = {name: numbers[name].astype("Float64") * 100 for name in ("share", "change")}
    seconds = numbers["latency_p95_ms"].astype("Float64") / 1000
    return with_mark_column(numbers).assign(**percent, latency_p95_ms=seconds)
