"""Boards: panels that people arrange, each a question in the vocabulary, kept as small files."""

from usagecost.boards.answers import Answer, answer
from usagecost.boards.board import MOST_PANELS, Board, BoardProblem, board_text, parse_board
from usagecost.boards.panel import RANGES, Panel, PanelFilter
from usagecost.boards.rules import RULES, Rule, fitted, metrics_for, problem, splits_for
from usagecost.boards.shelf import DEFAULTS, Shelved, boards_folder, default_boards, file_name, shelved_boards
