"""Usage and cost: requests, tokens, spend and latency of an organisation's AI traffic, over time, by model and by user."""

from usagecost.start import first_frame

first_frame("Usage and cost")

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from usagecost import charts, queries, ui
from usagecost.periods import INTERVALS, WHOLE
from usagecost.queries import folds
from usagecost.queries.folds import Usage
from usagecost.ui import drilldown, why
from usagecost.ui.labels import labels_of, palette, with_names
from usagecost.vocabulary import CARDS, DIMENSIONS, METRICS, formats, measures_of
from usagecost.vocabulary.colours import series_colors
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters, View

TOKENS = ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens")
OUTCOMES = ("successful", "failed", "requests")
LINES = {
    "tokens": (
        "Total tokens",
        TOKENS,
        "Tokens sent and produced. Cache reads are a part of the input, total is input and output.",
        "input, output, total and cache read tokens",
    ),
    "requests": (
        "Total requests",
        OUTCOMES,
        "Requests by outcome. Cancelled requests count as failed; those of unknown outcome are in the total only.",
        "successful, failed and total requests",
    ),
}
"""The charts of lines: title, metrics, help, and what is drawn in words."""
PARTS = ("input_cost_usd", "cache_read_cost_usd", "cache_write_cost_usd", "output_cost_usd", "other_cost_usd")
CHART_METRICS = (*CARDS, *TOKENS, *OUTCOMES, "spend_usd")
"""Metrics that charts and cards of the page draw. Each may be put in the place of another, or beside it."""
SPLITS = ("model", "provider", "team", "user", "key", "app")
USER_COLUMNS = ("requests", "success_rate", "total_tokens", "spend_usd")
MODEL_COLUMNS = ("requests", "successful", "failed", "total_tokens", "spend_usd")
MEASURES = (*measures_of((*CHART_METRICS, *PARTS, *USER_COLUMNS, *MODEL_COLUMNS)), "last_seen_us")
TOP = ("5", "10", "25", "50", "All")
TABS = ("Totals", "Cost", "Model activity", "User activity")
CHOICES = {
    "tab": ui.Choice(default=TABS[0], options=TABS),
    "by": ui.Choice(default=SPLITS[0], options=SPLITS),
    "top": ui.Choice(default=TOP[1], options=TOP),
    "ranked": ui.Choice(default=ui.LOOKS[0], options=ui.LOOKS),
    "look": ui.Choice(default=ui.LOOKS[0], options=ui.LOOKS),
    "until": ui.Choice(default="month", options=ui.UNTIL),
    "chosen_model": ui.Choice(),
    "chosen_user": ui.Choice(),
}
"""Choices of the page that stand in the URL, beside the view."""
MOST_USERS = 10
"""Users of a model that have a bar each."""
MOST_STACKS = 10
"""More colours than these in one bar cannot be told apart; the rest of a stack is "Other"."""


def usage_by(split: str, view: View, *, compares: bool = True) -> Usage:
    """The numbers of the page by a split."""
    return ui.answer(queries.usage, view, split, MEASURES, compares=compares)


def unfiltered(split: str, view: View) -> Usage:
    """The same of the whole period, which decides the colours."""
    return usage_by(split, replace(view, filters=Filters()))


def usage_ranked(split: str, view: View) -> Usage:
    """The numbers of a ranked table, of the whole period: its latencies fold from no other answer."""
    return ui.answer(queries.usage, replace(view, interval=WHOLE), split, measures_of(ui.RANKED))


def label_of(dimension: str) -> str:
    """What a dimension is called."""
    return DIMENSIONS[dimension].label


def step_of(view: View) -> str:
    """What an interval of the view is called within a sentence."""
    return INTERVALS[view.interval].lower()


def over_time(usage: Usage, view: View, metrics: Sequence[str], mark: str = "line") -> charts.Drawing:
    """Metrics of one unit over time: lines before those of the comparison period, or bars of those that add up."""
    parts, names = charts.parts_of_metrics(usage.over_time, metrics), [METRICS[name].label for name in metrics]
    unit, colors, axis = METRICS[metrics[0]].format, series_colors(metrics), charts.TimeAxis.of(usage.intervals, view)
    before, marks = ui.before(usage, view, metrics) if mark == "line" else None, ui.marks(view)
    return charts.over_time(parts, mark, unit, names, colors, axis, stacked=mark == "bar", before=before, marks=marks)


def line_charts(usage: Usage, view: View, name: str) -> None:
    """Tokens and requests over time, a chart each."""
    for chart_name, (title, metrics, text, alt) in LINES.items():
        drawing = ui.make_once(usage, view, metrics, lambda metric_names=metrics: over_time(usage, view, metric_names))
        ui.chart(
            title,
            drawing,
            lambda metric_names=metrics: folds.over_time_table(usage, metric_names, view.period.zone),
            name=f"{name}-{chart_name}",
            help=text,
            alt_text=f"Lines of {alt} by {step_of(view)}",
            on_mark=drilldown.from_line(view, usage.intervals),
            beside=(lambda: ui.notes(view)) if (name, chart_name) == ("totals", "tokens") else None,
        )


def spend_stacks(usage: Usage, view: View, by: str, most: int) -> tuple[pd.DataFrame, pd.DataFrame, charts.Drawing]:
    """The values of a dimension that are told apart, their spend per interval, and the bars of it."""
    top = with_names(folds.top_values(usage.by_value, most), view, by, DIMENSIONS[by].plural)
    stacks = with_names(folds.over_time_by_top(usage, top), view, by)
    names, colors = list(with_names(top, view, by)["name"]), palette(view, by, top, everything=unfiltered(by, view))
    parts, unit, (steps, ahead) = charts.parts_of(stacks, "spend_usd"), METRICS["spend_usd"].format, ui.with_days_ahead(usage, view)
    axis = charts.TimeAxis.of(steps, view)
    before, marks = ui.before(usage, view, ["spend_usd"], whole=True), (*ui.marks(view), *why.unusual_marks(usage, view, by))
    levels = ui.budget_levels(view, axis)
    bars = charts.over_time(
        parts, "bar", unit, names, colors, axis, stacked=True, before=before, ahead=ahead, marks=marks, levels=levels
    )
    return top, stacks, bars


def cost_chart(usage: Usage, view: View, by: str, most: int, name: str) -> None:
    """Spend per interval, stacked by the values of a dimension, the rest as "Other"."""
    most = min(most, MOST_STACKS)
    top, stacks, drawing = ui.make_once(usage, view, ("stacks", by, most), lambda: spend_stacks(usage, view, by, most))
    axis = charts.TimeAxis.of(usage.intervals, view)
    budgets = ui.budgets_alt(view, axis)
    pace = " A red line is a budget's even pace: the same part of it each day." if budgets else ""
    ui.chart(
        "Cost breakdown",
        drawing,
        lambda: ui.with_budgets(folds.breakdown_table(usage, stacks, by, view.period.zone), view, axis),
        name=f"{name}-cost",
        file=f"cost by {by} and {view.interval}",
        help=METRICS["spend_usd"].help + (" The dashed line in a band is the forecast." if "ahead" in drawing.data else "") + pace,
        alt_text=f"Bars of spend by {step_of(view)}, stacked by {DIMENSIONS[by].label.lower()}{budgets}",
        on_mark=why.opening_causes(usage, view, drilldown.from_stack(view, usage.intervals, by, top)),
        beside=lambda: ui.notes(view),
    )


def parts_chart(usage: Usage, view: View, name: str) -> None:
    """What the spend was for, at list prices: input, cache reads, cache writes, output, and what is billed by the piece."""
    ui.chart(
        "Spend by part",
        ui.make_once(usage, view, PARTS, lambda: over_time(usage, view, PARTS, "bar")),
        lambda: folds.over_time_table(usage, PARTS, view.period.zone),
        name=f"{name}-parts",
        help="At list or own prices, which tell the parts; what a log reports is one sum. Output includes reasoning.",
        alt_text=f"Bars of list cost by {step_of(view)}, stacked by part",
    )


def names_of(usage: Usage, view: View, by: str) -> list[str]:
    """What the values of the answer's dimension are called, the most expensive first, without what is merged as "Other"."""

    def names() -> list[str]:
        return list(with_names(usage.by_value[~usage.by_value["is_other"]], view, by)["name"])

    return ui.make_once(usage, view, "names", names)


def user_rows(usage: Usage, view: View) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All users of the period, and the numbers that are shown of them; in both one row is a user, the most expensive first."""
    users = with_names(usage.by_value, view, "user", DIMENSIONS["user"].plural)
    numbers = folds.ranking_table(users, "user", USER_COLUMNS)
    return users, numbers.assign(last_seen=folds.last_seen(users, view.period.zone))


def choose_user(named_ones: list[str]) -> None:
    """A click anywhere in a row of the table of users chooses that user; one in the row of the others chooses nobody."""
    if named_ones:
        st.session_state["chosen_user"] = named_ones[0]


def users_table(usage: Usage, view: View) -> None:
    """All users of the period, the most expensive first; a row chooses one."""
    users, numbers = ui.make_once(usage, view, "users", lambda: user_rows(usage, view))
    last_seen = st.column_config.DatetimeColumn(f"Last seen ({view.period.zone})", format="YYYY-MM-DD HH:mm")
    ui.heading("Users", lambda: numbers, name="users", help="Everyone with requests in the period. A row chooses one.")
    ui.table(
        numbers,
        name="users",
        spend_places=2,
        columns=ui.columns_of(numbers.drop(columns="last_seen"), 2) | {"last_seen": last_seen},
        alt_text="Users with requests, success rate, tokens, spend and when they were last seen",
        on_select=lambda row: choose_user(names_of(usage, view, "user")[row : row + 1]),
        on_open=drilldown.from_row(view, "user", users),
        names="user",
    )


def model_usage(usage: Usage, view: View) -> None:
    """The models that one user used, as a table or as ranked bars of successful and failed requests."""
    models = with_names(usage.by_value, view, "model", DIMENSIONS["model"].plural)
    numbers = folds.ranking_table(models, "model", MODEL_COLUMNS)
    ui.heading("Model usage", lambda: numbers, name="user-models", help="The models this user's requests went to, in this period.")
    look = st.segmented_control("View", ui.LOOKS, required=True, key="look", label_visibility="collapsed")
    if look == ui.LOOKS[1]:
        ranked = models.sort_values("requests", ascending=False, kind="stable", ignore_index=True)
        ranked["text"] = [formats.count(count) for count in ranked["requests"]]
        drawing = charts.stacked_ranked_bars(ranked, ("successful", "failed"))
        ui.draw(
            drawing,
            name="user-models",
            alt_text="This user's models ranked by requests, successful and failed stacked",
            on_mark=drilldown.from_ranking(view, "model", ranked),
        )
        return
    ui.table(
        numbers,
        name="user-models",
        spend_places=4,
        columns=ui.columns_of(numbers),
        alt_text="Models of this user with total, successful and failed requests, tokens and spend",
        on_open=drilldown.from_row(view, "model", models),
        names="model",
    )


view = ui.page("Usage and cost", own=CHOICES, uses=(*ui.ALL_CONTROLS, "currency"))
usage = usage_by("model", view)
above = st.container()  # the cards, of the whole or of what is chosen below

if not usage.totals["requests"]:
    with above:
        ui.cards(usage, view, CARDS)
    ui.no_requests(view)
    st.stop()

totals_tab, cost_tab, model_tab, user_tab = st.tabs(TABS, key="tab", on_change="rerun")
if totals_tab.open or cost_tab.open:
    with above:
        ui.cards(usage, view, CARDS, name="all")

if totals_tab.open:
    with totals_tab:
        line_charts(usage, view, "totals")

if cost_tab.open:
    with cost_tab:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            by = ui.beside("Break down by", SPLITS, key="by", format_func=label_of)
            top = ui.beside("Show top", TOP, key="top")
        most = queries.MOST_VALUES if top == "All" else int(top)
        cost_chart(usage_by(by, view), view, by, most, "all")
        why.unusual_note(usage, view)
        ui.ranking(usage_ranked(by, view), view, by, most, everything=lambda: unfiltered(by, view))
        ui.forecast_table(view, by, most)
        parts_chart(usage, view, "all")

if model_tab.open:
    with model_tab:
        model = ui.choose_value("Model", "chosen_model", names_of(usage, view, "model"), None)
        model_id = None if model == NOT_REPORTED else model
        of_model, view_of_model = usage.of_value(model_id), view.where(Condition("model", (model_id,)))
        ui.name_downloads(view_of_model)
        with above:
            ui.cards(of_model, view_of_model, CARDS, name="model")
        if of_model.totals["requests"]:
            cost_chart(of_model, view_of_model, "model", 1, "model")
            users_of_model, of_all = usage_ranked("user", view_of_model), lambda: unfiltered("user", view)
            ui.ranking(users_of_model, view_of_model, "user", MOST_USERS, everything=of_all, title="Who uses this model")
            line_charts(of_model, view_of_model, "model")
        else:
            ui.empty("This model has no requests in the period", "Choose another model, a longer date range, or fewer filters.")

if user_tab.open:
    with user_tab:
        users = usage_by("user", replace(view, interval=WHOLE), compares=False)
        user = ui.choose_value("User", "chosen_user", names_of(users, view, "user"), "All users: choose one here or in the table")
        if user is None:
            with above:
                ui.cards(usage, view, CARDS, name="all")
            users_table(users, view)
        else:
            view_of_user = view.where(Condition("user", (labels_of(view).value_of("user", user),)))
            of_user = usage_by("model", view_of_user)
            ui.name_downloads(view_of_user)
            with above:
                ui.cards(of_user, view_of_user, CARDS, name="user")
            if of_user.totals["requests"]:
                model_usage(of_user, view_of_user)
                cost_chart(of_user, view_of_user, "model", MOST_STACKS, "user")
                line_charts(of_user, view_of_user, "user")
            else:
                ui.empty("This user has no requests in the period", "Choose another user, a longer date range, or fewer filters.")
