"""From a panel's numbers to its chart."""

from __future__ import annotations

import pandas as pd

from usagecost import charts, folds
from usagecost.boards import Answer, Panel
from usagecost.boards.words import size_label
from usagecost.charts import COLORS, MISSING_COLOR, OTHER_COLOR, Drawing, TimeAxis
from usagecost.formats import GAP, exact_count, percent
from usagecost.metrics import SPLITS, Metric, spend_text
from usagecost.queries import EDGES, HOUR_OF_WEEK
from usagecost.ui.labels import named

STATUS_COLORS = {"success": COLORS["successful"], "error": COLORS["failed"], "cancelled": MISSING_COLOR}
MOST_COLORS = 10
"""Parts of a scatter that are told apart; the rest is Other."""


def drawing_of(panel: Panel, answer: Answer) -> Drawing:
    """The chart of a panel that is drawn by Vega."""
    draws = {"ranked": _ranked, "heatmap": _heatmap, "histogram": _histogram, "scatter": _scatter}
    return draws.get(panel.chart, _over_time)(answer)


def undrawn(answer: Answer) -> list[str]:
    """What a chart of single requests leaves out, and what it is a sample of, in words."""
    if len(answer.sample):
        drawn, known = len(answer.sample), int(answer.sample["of"].iloc[0])
        zeros = drawn - len(_visible(answer))
        sampled = [f"a sample of {exact_count(drawn)} of {exact_count(known)} requests"] if known > drawn else []
        return [*sampled, *([f"{exact_count(zeros)} with a 0 are not drawn"] if zeros else [])]
    if len(answer.spread):
        upper, requests = answer.spread["upper"], answer.spread["requests"]
        zeros, unknown = int(requests[upper == 0].sum()), int(requests[upper.isna()].sum())
        words = ((zeros, "of 0 are not drawn"), (unknown, "do not tell it"))
        return [f"{exact_count(count)} requests {what}" for count, what in words if count]
    return []


def bins(answer: Answer) -> pd.DataFrame:
    """The bins of a histogram that can be drawn: ``lower``, ``upper``, ``requests``."""
    drawn = answer.spread[answer.spread["upper"].fillna(0) > 0]
    places = drawn["upper"].astype(int)
    return pd.DataFrame(
        {"lower": [EDGES[max(place - 1, 0)] for place in places], "upper": [EDGES[place] for place in places],
         "requests": drawn["requests"].to_numpy()}
    )  # fmt: skip


def _over_time(answer: Answer) -> Drawing:
    question, metric = answer.question, answer.question.metrics[0]
    axis = TimeAxis(answer.steps, question.interval, question.view.period.zone)
    if question.split is None:
        names = [metric.label for metric in question.metrics]
        columns = zip(names, (metric.column(answer.over_time) for metric in question.metrics), strict=True)
        parts = pd.concat(
            [pd.DataFrame({"interval": range(len(axis.steps)), "name": name, "value": column}) for name, column in columns]
        )
        palette, stacked = charts.series_colors([metric.name for metric in question.metrics]), False
    else:
        cells, top = (named(values, question.view, question.split) for values in (answer.cells, answer.by_value))
        parts = cells[["interval", "name"]].assign(value=metric.column(cells))
        if metric.name == "spend_usd":
            parts["is_at_least"] = folds.is_at_least(cells)
        names, palette = list(top["name"]), _colors_over_time(question.split, top)
        stacked = question.chart != "line" and metric.is_additive and SPLITS[question.split].parts_add_up
    return charts.parts_over_time(parts, question.chart, metric.format, names, palette, axis, stacked=stacked)


def _ranked(answer: Answer) -> Drawing:
    metric, split = answer.question.metrics[0], SPLITS[str(answer.question.split)]
    top = named(answer.by_value, answer.question.view, split.name, split.plural)
    whole = metric.of(answer.totals) if metric.is_additive and split.parts_add_up else None
    coverage = {"incomplete_requests": top["incomplete_requests"]} if metric.name == "spend_usd" else {}
    ranking = top[["name"]].assign(**{metric.name: metric.column(top)}, **coverage)
    ranking["text"] = [_bar_label(metric, row, whole) for row in top.to_dict("records")]
    return charts.ranked_bars(ranking, metric.name, _palette(split.name, top))


def _bar_label(metric: Metric, row: dict, whole: object) -> str:
    """The value behind a bar, and its share of the whole where parts add up to it."""
    sums = {name: None if pd.isna(row[name]) else row[name] for name in row if name not in ("name", "value")}
    value = metric.of(sums)
    if value is None:
        return "not known"
    text = spend_text(sums) if metric.name == "spend_usd" else metric.format(value)
    return f"{text} ·{GAP}{percent(float(value) / float(whole))}" if whole else text  # type: ignore[arg-type]


def _heatmap(answer: Answer) -> Drawing:
    metric = answer.question.metrics[0]
    hours = answer.by_value.rename(columns={"value": HOUR_OF_WEEK})[[HOUR_OF_WEEK]].assign(value=metric.column(answer.by_value))
    return charts.week_grid(hours, metric.format)


def _histogram(answer: Answer) -> Drawing:
    metric = answer.question.metrics[0]
    return charts.histogram(bins(answer), metric.format, size_label(metric))


def _scatter(answer: Answer) -> Drawing:
    x, y = answer.question.metrics
    points = _visible(answer)
    counts = points["value"].value_counts(dropna=False)
    kept = counts.index[: min(answer.question.top, MOST_COLORS)]
    is_other = ~points["value"].isin(kept)
    points = named(points.assign(is_other=is_other), answer.question.view, answer.question.split)
    top = points.drop_duplicates("name").sort_values(["is_other", "name"])
    palette = _palette(answer.question.split, top) if answer.question.split else [COLORS["input_tokens"]]
    return charts.scatter(points, (x.format, y.format), (size_label(x), size_label(y)), list(top["name"]), palette)


def _visible(answer: Answer) -> pd.DataFrame:
    """The requests that a logarithmic axis can show."""
    return answer.sample[(answer.sample["x"] > 0) & (answer.sample["y"] > 0)]


def _colors_over_time(split: str, values: pd.DataFrame) -> list[str]:
    """Weekdays and hours over time have nothing but their colours to tell them apart."""
    if not SPLITS[split].order:
        return _palette(split, values)
    of_names = charts.colors(list(values["value"]))
    return [of_names[value] for value in values["value"]]


def _palette(split: str, values: pd.DataFrame) -> list[str]:
    """A colour for each row: by its name, so that the panels of a board agree. What has an order of its own needs none."""
    if SPLITS[split].order:
        return [COLORS["input_tokens"]] * len(values)
    known = sorted(str(value) for value in values["value"].dropna())
    color = {**charts.colors(known), **(STATUS_COLORS if split == "status" else {})}
    rows = zip(values["value"], values["is_other"], strict=True)
    return [OTHER_COLOR if other else color[None if pd.isna(value) else value] for value, other in rows]
