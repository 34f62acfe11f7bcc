"""From a panel's numbers to its chart or table, its download, and what stands below it: its own filters, what is not drawn."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from usagecost import charts
from usagecost.boards.answers import Answer
from usagecost.boards.panel import RANGES, Panel, size_label
from usagecost.charts import Drawing, bar_label, with_names
from usagecost.periods.words import days_text
from usagecost.queries import EDGES, HOUR_OF_WEEK, folds
from usagecost.queries.colours import palette
from usagecost.queries.usage import Ask, call
from usagecost.vocabulary import HOURS, SPLITS, WEEKDAYS, spend_coverage
from usagecost.vocabulary.colours import COLORS, series_colors
from usagecost.vocabulary.formats import exact_count
from usagecost.vocabulary.labels import Labels

MOST_COLORS = 10
"""Parts of a scatter that are told apart; the rest is Other."""
TOTAL = "Total"


def drawing_of(panel: Panel, answer: Answer, labels: Labels, ask: Ask = call, **beside: Any) -> Drawing:
    """The chart of a panel that is drawn by Vega; one over time with what stands ``beside`` its parts: see `charts.over_time`."""
    draws = {"ranked": _ranked, "heatmap": _heatmap, "histogram": _histogram, "scatter": _scatter}
    if panel.chart in draws:
        return draws[panel.chart](answer, labels, ask)
    return _over_time(answer, labels, ask, **beside)


def about(panel: Panel, answer: Answer, labels: Labels) -> list[str]:
    """The panel's own range and filters, in words."""
    period = answer.question.view.period
    range_texts = [f"{RANGES[panel.range]} ({days_text(period.first, period.last)})"] if panel.range else []
    return [*range_texts, *panel.conditions.phrases(labels.of)]


def missing(answer: Answer) -> str | None:
    """How much of the spend that is drawn has no price, in words."""
    spend = [metric for metric in answer.question.metrics if "spend_usd" in metric.terms and metric.is_additive]
    return spend_coverage(answer.totals) if spend and answer.totals else None


def left_out(answer: Answer, lack: str | None) -> list[str]:
    """What is not part of what is drawn, and why numbers show no change: what the comparison lacks."""
    unpriced = missing(answer)
    comparison = lack if answer.before else None
    return [*([f"≥: {unpriced}"] if unpriced else []), *([comparison.removesuffix(".")] if comparison else []), *_undrawn(answer)]


def _undrawn(answer: Answer) -> list[str]:
    """What a chart of single requests leaves out, and what it is a sample of, in words."""
    if len(answer.sample):
        count_drawn, matching = len(answer.sample), int(answer.sample["of"].iloc[0])
        zeros = count_drawn - len(_visible(answer))
        sampled = [f"a sample of {exact_count(count_drawn)} of {exact_count(matching)} requests"] if matching > count_drawn else []
        return [*sampled, *([f"{exact_count(zeros)} with a 0 are not drawn"] if zeros else [])]
    if len(answer.spread):
        upper, requests = answer.spread["upper"], answer.spread["requests"]
        zeros, unknown = int(requests[upper == 0].sum()), int(requests[upper.isna()].sum())
        counts = ((zeros, "{} requests of 0 are not drawn"), (unknown, "not recorded for {} requests"))
        return [template.format(exact_count(count)) for count, template in counts if count]
    return []


def bins(answer: Answer) -> pd.DataFrame:
    """The bins of a histogram that can be drawn: ``lower``, ``upper``, ``requests``."""
    positive_bins = answer.spread[answer.spread["upper"].fillna(0) > 0]
    places = positive_bins["upper"].astype(int)
    return pd.DataFrame(
        {"lower": [EDGES[max(place - 1, 0)] for place in places], "upper": [EDGES[place] for place in places],
         "requests": positive_bins["requests"].to_numpy()}
    )  # fmt: skip


def _over_time(answer: Answer, labels: Labels, ask: Ask, **beside: Any) -> Drawing:
    question, metric = answer.question, answer.question.metrics[0]
    if question.split is None:
        metrics = [metric.name for metric in question.metrics]
        names, colors = [metric.label for metric in question.metrics], series_colors(metrics)
        parts = charts.parts_of_metrics(answer.over_time, metrics)
    else:
        cells, top = (with_names(values, labels, question.split) for values in (answer.cells, answer.by_value))
        names, colors = list(top["name"]), palette(question.view, question.split, top, over_time=True, ask=ask)
        parts = charts.parts_of(cells, metric.name)
    return charts.over_time(parts, question.chart, metric.format, names, colors, answer.axis, stacked=question.stacks, **beside)


def _ranked(answer: Answer, labels: Labels, ask: Ask) -> Drawing:
    metric, split = answer.question.metrics[0], SPLITS[str(answer.question.split)]
    top = with_names(answer.by_value, labels, split.name, split.plural)
    total = metric.of(answer.totals) if metric.is_additive and split.parts_add_up else None
    coverage = {"incomplete_requests": top["incomplete_requests"]} if metric.name == "spend_usd" else {}
    ranking = top[["name"]].assign(**{metric.name: metric.column(top)}, **coverage)
    ranking["text"] = [bar_label(metric, row, total) for row in top.to_dict("records")]
    return charts.ranked_bars(ranking, metric.name, palette(answer.question.view, split.name, top, ask=ask))


def _heatmap(answer: Answer, *_: object) -> Drawing:
    metric = answer.question.metrics[0]
    hours = answer.by_value.rename(columns={"value": HOUR_OF_WEEK})[[HOUR_OF_WEEK]].assign(value=metric.column(answer.by_value))
    return charts.week_grid(hours, metric.format)


def _histogram(answer: Answer, *_: object) -> Drawing:
    metric = answer.question.metrics[0]
    return charts.histogram(bins(answer), metric.format, size_label(metric))


def _scatter(answer: Answer, labels: Labels, ask: Ask) -> Drawing:
    question = answer.question
    x, y = question.metrics
    points = _visible(answer)
    counts = points["value"].value_counts(dropna=False)
    top_values = counts.index[: min(question.top, MOST_COLORS)]
    is_other = ~points["value"].isin(top_values)
    points = with_names(points.assign(is_other=is_other), labels, question.split)
    top = points.drop_duplicates("name").sort_values(["is_other", "name"])
    colors = palette(question.view, question.split, top, ask=ask) if question.split else [COLORS["input_tokens"]]
    return charts.scatter(points, (x.format, y.format), (size_label(x), size_label(y)), list(top["name"]), colors)


def _visible(answer: Answer) -> pd.DataFrame:
    """The requests that a logarithmic axis can show."""
    return answer.sample[(answer.sample["x"] > 0) & (answer.sample["y"] > 0)]


def table_rows(panel: Panel, answer: Answer, labels: Labels) -> pd.DataFrame:
    """The rows of a panel that is a table, with its totals as the last: of the whole, not the sum of rows that do not add up."""
    rows, question = numbers_of(panel, answer, labels), answer.question
    first, names = rows.columns[0], [metric.name for metric in question.metrics]
    if question.split is None:
        rows[first] = [step.label for step in answer.steps]
    total = pd.DataFrame([answer.totals]).convert_dtypes()
    return pd.concat([rows, pd.DataFrame({first: [TOTAL], **folds.numbers(total, names)})], ignore_index=True)


def first_label(answer: Answer) -> str:
    """What the first column of a panel's table is called."""
    split = answer.question.split
    return SPLITS[split].label if split else f"{answer.question.interval.capitalize()} · {answer.question.view.period.zone}"


def numbers_of(panel: Panel, answer: Answer, labels: Labels) -> pd.DataFrame:
    """What is drawn, in full: one row per interval, value, bin or point."""
    question = answer.question
    if panel.chart == "histogram":
        return bins(answer)
    if panel.chart == "scatter":
        x, y = panel.metrics
        points = answer.sample[["x", "y"]].rename(columns={"x": x, "y": y})
        if not question.split:
            return points
        values = with_names(answer.sample.assign(is_other=False), labels, question.split)
        return points.assign(**folds.names_and_ids(values, question.split))
    if panel.chart == "heatmap":
        hours = answer.by_value["value"].astype(int)
        week = pd.DataFrame({"weekday": [WEEKDAYS[i // 24] for i in hours], "hour": [HOURS[i % 24] for i in hours]})
        return week.assign(**_metrics(answer, answer.by_value))
    starts = [step.start.astimezone(ZoneInfo(question.view.period.zone)).isoformat() for step in answer.steps]
    if question.split is None:
        return pd.DataFrame({"interval_start": starts, **_metrics(answer, answer.over_time)})
    if len(answer.cells) and panel.chart not in ("ranked", "table"):
        cells = with_names(answer.cells, labels, question.split).sort_values(["interval", "name"], ignore_index=True)
        of_cells = [starts[place] for place in cells["interval"]]
        names = folds.names_and_ids(cells, question.split)
        return pd.DataFrame({"interval_start": of_cells, **names, **_metrics(answer, cells)})
    values = with_names(answer.by_value, labels, question.split, SPLITS[question.split].plural)
    return pd.DataFrame({**folds.names_and_ids(values, question.split), **_metrics(answer, values)})


def _metrics(answer: Answer, frame: pd.DataFrame) -> dict[str, pd.Series]:
    """The panel's metrics in full; beside a spend, how much of it is known."""
    return folds.numbers(frame.reset_index(drop=True), [metric.name for metric in answer.question.metrics])
