"""Taking requests out again: a wrong load, a person who is to be forgotten, what is older than is to be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from usagecost.lake.days import write_days
from usagecost.lake.person import REMOVED
from usagecost.lake.staging import only_row
from usagecost.lake.table import REQUESTS, NewFile, create_view
from usagecost.vocabulary import measure_sql
from usagecost.vocabulary.formats import counted, exact_count

_REMOVED = "SELECT source, request_id, day FROM lake WHERE {condition}"

_PREVIEW = f"""
SELECT
    count(*), min(started_at)::VARCHAR, max(started_at)::VARCHAR, count(DISTINCT user_id),
    {measure_sql("spend_usd", "best")}, {measure_sql("incomplete_requests", "best")}
FROM lake WHERE {{condition}}
"""


@dataclass(frozen=True)
class Selection:
    """Selects the requests for which all given criteria hold. `before` is an instant; they started earlier.

    What an ingest is meant to have brought are the requests whose present version it wrote.
    """

    ingest: str | None = None
    user: str | None = None
    before: datetime | None = None

    def __post_init__(self) -> None:
        """Nothing said would mean all requests."""
        if self.ingest is None and self.user is None and self.before is None:
            raise ValueError("Say which requests are to be removed: those of an ingest, of a user, or before a time")
        if self.user is not None and not self.user.strip():
            raise ValueError("Say which user is meant: nothing is nobody's id")

    @property
    def condition(self) -> str:
        """SQL for whether a request is meant; `values` belongs to it."""
        parts = {
            "ingest": "ingest_id = $ingest",
            "user": "user_id = $user",
            "before": "started_at < CAST($before AS TIMESTAMPTZ)",
        }
        return " AND ".join(parts[name] for name in self.values)

    @property
    def values(self) -> dict[str, str]:
        """The criteria that are set, by name."""
        before = None if self.before is None else self.before.isoformat()
        criteria = {"ingest": self.ingest, "user": self.user, "before": before}
        return {name: value for name, value in criteria.items() if value is not None}

    @property
    def person(self) -> str | None:
        """The user who is to be forgotten, if all that is said is a user."""
        return self.user if self.values.keys() == {"user"} else None

    @property
    def log_fields(self) -> dict[str, str]:
        """The criteria as the log of the lake keeps them: that a user was removed, not which."""
        return self.values | ({"user": REMOVED} if self.user is not None else {})


@dataclass(frozen=True)
class Removal:
    """What is meant, or was taken out: ``requests`` that started from ``first`` to ``last`` (ISO, UTC; None if there are none).

    ``spend_usd`` is what is known of it, without the ``unpriced`` requests; None if nothing is. ``version`` is the lake's after it.
    ``beside`` are the other tables that name a person who is meant, each with how many of its rows do.
    """

    requests: int
    first: str | None
    last: str | None
    users: int
    spend_usd: Decimal | None
    unpriced: int
    version: int
    beside: Mapping[str, int] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What the removal takes out, in words."""
        return ", ".join([counted(self.requests, "request"), *([self.beside_summary] if self.beside else [])])

    @property
    def beside_summary(self) -> str:
        """What it changes beside the requests; empty if nothing."""
        return ", ".join(f"{label} ({exact_count(count)})" for label, count in self.beside.items())

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is meant."""
        return not self.requests and not self.beside


def preview(con: duckdb.DuckDBPyConnection, files: Sequence[str], selection: Selection, version: int) -> Removal:
    """What a selection means in the files of a version."""
    create_view(con, "lake", files, REQUESTS)
    sums = only_row(con, _PREVIEW.format(condition=selection.condition), selection.values)
    return Removal(*sums, version=version)


def files_without(
    con: duckdb.DuckDBPyConnection, folder: Path, stored: Mapping[date, Sequence[str]], selection: Selection
) -> tuple[list[date], list[NewFile]]:
    """The days that hold selected requests, and their new files without them. Follows `preview`."""
    con.execute(f"CREATE TABLE outgoing AS {_REMOVED.format(condition=selection.condition)}", selection.values)
    con.from_arrow(REQUESTS.columns.empty_table()).create("nothing")
    con.execute("CREATE VIEW staged AS SELECT *, 0::BIGINT AS location FROM nothing")
    con.execute("CREATE TABLE accepted (location BIGINT, day DATE)")
    days = [day for (day,) in con.execute("SELECT DISTINCT day FROM outgoing ORDER BY day").fetchall()]
    return days, write_days(con, folder, days, stored)
