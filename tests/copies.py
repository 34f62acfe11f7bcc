"""A lake that is made once, and of which each test has a copy that it may change: a copy takes a hundredth of the time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from usagecost.lake import Lake, keys, rollup_files


def copied(fill: Callable[[Lake], None]) -> Callable[..., Lake]:
    """The fixture of a lake that ``fill`` has filled, with what it has put beside it. Where tests have every file rolled up or its
    keys indexed, the lake is made once more with that.
    """
    made: dict[tuple[int, int], Path] = {}

    @pytest.fixture
    def copy(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
        how = (rollup_files.LEAST_ROWS, keys.LEAST_ROWS)
        if how not in made:
            folder = tmp_path_factory.mktemp("made")
            fill(Lake(folder / "lake"))
            made[how] = folder
        return Lake(shutil.copytree(made[how], tmp_path, dirs_exist_ok=True) / "lake")

    return copy
