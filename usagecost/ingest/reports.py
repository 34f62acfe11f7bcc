"""What an ingest says it did: the report, and its sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from usagecost.lake import Commit
from usagecost.sources.protocol import Skips

MOST_FILE_NAMES, MOST_REASONS = 3, 5
"""Files, and reasons, that a sentence names."""
NO_COUNTS = ("oldest", "newest", "problems")


@dataclass(frozen=True)
class Report:
    """What an ingest did. lines = requests + duplicates + skipped + rejected; requests = inserted + updated + unchanged.

    `requests` counts each request once, however many lines are about it; `unpriced` of them have no price, `conflicts` of them have
    versions of several users or models at several times: their id seems to stand for several requests. `skipped_reasons` say why
    lines are no requests, with how many. `oldest` and `newest` are when the first and the last of the requests began, None without
    any. `days` are those whose file was written, `version` is the lake's after it (0: there is no lake). `problems` are sentences
    for people.
    """

    files: int = 0
    lines: int = 0
    requests: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    skipped: int = 0
    skipped_reasons: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    unpriced: int = 0
    conflicts: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    days: int = 0
    version: int = 0
    seconds: float = 0.0
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def skipped_summary(self) -> str:
        """How many lines are no requests, and why; empty where all are."""
        reasons = [f"{count:,} {reason}" for reason, count in list(self.skipped_reasons.items())[:MOST_REASONS]]
        more = len(self.skipped_reasons) - MOST_REASONS
        return (
            f"{self.skipped:,} skipped ({', '.join(reasons)}{f' and {more} more reasons' if more > 0 else ''})"
            if self.skipped
            else ""
        )

    @property
    def summary(self) -> str:
        """How many requests are new, changed or already there."""
        return f"{self.inserted:,} new, {self.updated:,} changed, {self.unchanged:,} already there"

    def counts(self) -> dict[str, Any]:
        """What can be counted, and why lines were skipped."""
        return {name: value for name, value in asdict(self).items() if name not in NO_COUNTS}

    def __add__(self, later: Report) -> Report:
        """What this ingest and a later one did."""
        counts = {name: value + later.counts()[name] for name, value in self.counts().items() if name != "skipped_reasons"}
        counts["skipped_reasons"] = Counter(self.skipped_reasons) + Counter(later.skipped_reasons)
        counts["version"] = max(self.version, later.version)
        return Report(**counts, problems=self.problems + later.problems)


def about_unused(files: Iterable[str], skips: Skips) -> list[str]:
    """Returns sentences about files of which nothing was used, one for each reason."""
    reasons: dict[str, list[str]] = {}
    for (file, reason), _ in skips.most_common():
        reasons.setdefault(file, []).append(reason)
    by_reason: dict[str, list[str]] = {}
    for file in files:
        by_reason.setdefault("; ".join(reasons.get(file, ["no requests in it"])), []).append(file)
    sentences = []
    for reason, unused in by_reason.items():
        more = len(unused) - MOST_FILE_NAMES
        file_names = ", ".join(unused[:MOST_FILE_NAMES]) + (f" and {more:,} more files" if more > 0 else "")
        sentences.append(f"Nothing was used of {file_names}: {reason}.")
    return sentences


def about_conflicts(commit: Commit) -> list[str]:
    """What is said of ids that seem to stand for several requests."""
    if not commit.conflicts:
        return []
    return [
        f"{commit.conflicts:,} {'id stands' if commit.conflicts == 1 else 'ids stand'} in lines of several times and users: "
        "only one request of each was kept. Were long ids rounded by a spreadsheet? Export the log with its ids as text."
    ]


def about_reject(source_file: str, line: int | None, reason: str, **_: object) -> str:
    """What was wrong, and where."""
    return f"{source_file}, line {line}: {reason}" if line else f"{source_file} {reason.removeprefix('The file ')}"


def first_line(problem: Exception) -> str:
    """The first line of what an error says, else its name."""
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


def and_more(count: int) -> str:
    """What is said after the first reject of a file, of which there are so many more."""
    if count < 1:
        return ""
    return f" {count:,} more {'line was' if count == 1 else 'lines were'} rejected; the lake's rejects have them all."
