"""What requests can be split by, and most of them filtered by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Dimension:
    """Something that requests can be split by. NULL in its column is a group of its own.

    ``kind``: the value of a column, each value of a list (a request can be in several parts, so parts do not add up), or what
    the clock of the reporting zone says. ``column`` is its SQL, ``reads`` the column that this reads where they differ.
    ``order`` names the values that have an order of their own.
    """

    name: str
    label: str
    plural: str
    column: str
    kind: Literal["column", "list", "clock"] = "column"
    order: tuple[str, ...] = ()
    reads: str = ""

    @property
    def parts_add_up(self) -> bool:
        """Whether a request is in one part only."""
        return self.kind != "list"

    @property
    def stored(self) -> str:
        """The column of a request that says its value."""
        return self.reads or self.column


STREAMING = "CASE WHEN is_streaming THEN 'streamed' WHEN NOT is_streaming THEN 'at once' END"

DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("provider", "Provider", "providers", "provider"),
        Dimension("model", "Model", "models", "model"),
        Dimension("user", "User", "users", "user_id"),
        Dimension("team", "Team", "teams", "team_id"),
        Dimension("key", "Virtual key", "virtual keys", "virtual_key"),
        Dimension("app", "App", "apps", "app"),
        Dimension("environment", "Environment", "environments", "environment"),
        Dimension("status", "Status", "outcomes", "status"),
        Dimension("source", "Source", "sources", "source"),
        Dimension("error", "Error class", "error classes", "error_class"),
        Dimension("streaming", "Streaming", "ways of answering", STREAMING, reads="is_streaming"),
    )
}
"""What requests can be split and filtered by."""

FILTERED = ("provider", "model", "user", "team", "key", "app", "environment", "status")
"""What a page filters by, and its URL says."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = tuple(f"{hour:02}:00" for hour in range(24))

SPLITS = DIMENSIONS | {
    dimension.name: dimension
    for dimension in (
        Dimension("tag", "Tag", "tags", "tags", kind="list"),
        Dimension("hour_of_day", "Hour of day", "hours", "started_at", kind="clock", order=HOURS),
        Dimension("weekday", "Weekday", "weekdays", "started_at", kind="clock", order=WEEKDAYS),
    )
}
"""What requests can be split by."""
