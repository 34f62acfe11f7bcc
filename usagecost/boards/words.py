"""What a panel is called and what its numbers mean, where its maker did not say."""

from __future__ import annotations

from usagecost.boards.panel import Panel
from usagecost.boards.rules import RULES
from usagecost.vocabulary import METRICS, SPLITS, Metric


def title_of(panel: Panel) -> str:
    """The panel's own title, else what it shows."""
    if panel.title:
        return panel.title
    metrics = [METRICS[name] for name in panel.metrics]
    if panel.chart == "scatter":
        return f"{size_label(metrics[0])} against {_lower(size_label(metrics[-1]))}"
    if panel.chart == "histogram":
        return f"{size_label(metrics[0])} of requests"
    labels = [metrics[0].label, *(_lower(metric.label) for metric in metrics[1:])]
    measured = f"{', '.join(labels[:-1])} and {labels[-1]}" if len(labels) > 1 else labels[0]
    if panel.chart == "heatmap":
        return f"{measured} by weekday and hour"
    return f"{measured} by {_lower(SPLITS[panel.split].label)}" if panel.split else measured


def help_of(panel: Panel) -> str:
    """What the numbers are, and how values are chosen where there are too many."""
    metrics = [METRICS[name] for name in panel.metrics]
    words = [f"{metric.label}: {metric.help}" if len(metrics) > 1 else metric.help for metric in metrics]
    split = SPLITS.get(panel.split or "")
    if split and panel.chart != "scatter" and not split.order:
        by = _lower(metrics[0].label) if metrics[0].is_additive else "requests"
        words.append(f"Named are the {panel.top} {split.plural} with the most {by}.")
    if split and not split.parts_add_up:
        words.append(f"A request counts for each of its {split.plural}, so they do not add up.")
    return "\n\n".join(words)


def alt_of(panel: Panel) -> str:
    """The panel for whom a chart cannot be seen."""
    return f"{RULES[panel.chart].label}: {title_of(panel)}"


def size_label(metric: Metric) -> str:
    """What a metric is called where it is the size of one request."""
    label = metric.label.removeprefix("Total ").removeprefix("Avg ")
    return label[0].upper() + label[1:]


def _lower(label: str) -> str:
    """A label within a sentence."""
    return label[0].lower() + label[1:]
