"""Boards: panels that people arrange, each a question in the vocabulary, kept as small files."""

from usagecost.boards.answers import Answer, answer
from usagecost.boards.board import (
    DEFAULTS,
    MOST_PANELS,
    Board,
    BoardProblem,
    Shelved,
    board_text,
    boards_folder,
    default_boards,
    file_name,
    parse_board,
    shelved_boards,
)
from usagecost.boards.panel import RANGES, RULES, Panel, PanelFilter, Rule, fitted, metrics_for, problem, splits_for
