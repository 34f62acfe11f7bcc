"""Boards: panels that people arrange, each a question in the vocabulary of ``metrics``, kept as small files."""

from usagecost.boards.panel import CHARTS, RANGES, Panel, PanelFilter
from usagecost.boards.rules import RULES, Rule, metrics_for, problem, splits_for

__all__ = ["CHARTS", "RANGES", "RULES", "Panel", "PanelFilter", "Rule", "metrics_for", "problem", "splits_for"]
