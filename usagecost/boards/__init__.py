"""Boards: panels that people arrange, each a question in the vocabulary of ``metrics``, kept as small files."""

from usagecost.boards.board import Board, BoardProblem, parse_board
from usagecost.boards.panel import CHARTS, RANGES, Panel, PanelFilter
from usagecost.boards.rules import RULES, Rule, metrics_for, problem, splits_for
from usagecost.boards.shelf import Shelved, boards_folder, shelved_boards

__all__ = [
    "CHARTS",
    "RANGES",
    "RULES",
    "Board",
    "BoardProblem",
    "Panel",
    "PanelFilter",
    "Rule",
    "Shelved",
    "boards_folder",
    "metrics_for",
    "parse_board",
    "problem",
    "shelved_boards",
    "splits_for",
]
