"""Where something stands in a TOML file that people write."""

from __future__ import annotations

import pytest

from usagecost.toml_lines import line_of

TEXT = """title = "Mine"

[[panel]]
metrics = ["requests"]

[[panel]]
"metrics" = ["spend_usd"]
[panel.conditions]
team.is = ["search"]
[[panel.tiers]]
above = 1
[[panel.tiers]]
above = 2

[[panel]]
[[panel.tiers]]
above = 3
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((), 1),
        (("title",), 1),
        (("panel", 0, "metrics"), 4),
        (("panel", 1), 6),
        (("panel", 1, "metrics", 0), 7),
        (("panel", 1, "conditions", "team", "is"), 9),
        (("panel", 1, "tiers", 1, "above"), 13),
        (("panel", 2, "tiers", 0, "above"), 17),
        (("panel", 2, "missing"), 15),
        (("nothing",), 1),
    ],
)
def test_the_line_of_a_value_or_of_the_table_that_should_hold_it(place: tuple[str | int, ...], line: int):
    assert line_of(TEXT, place) == line
