"""Boards: panels that people arrange, each a question in the vocabulary of ``metrics``, kept as small files."""

from usagecost.boards.panel import CHARTS, Panel, PanelFilter

__all__ = ["CHARTS", "Panel", "PanelFilter"]
