"""The program of the process that commits: ``python -m usagecost.receive.committing LAKE``. See committer.py, which starts it.

It reads orders from its standard input, one a line, and answers each with a line. Signals that mean the receiver, and reach the
processes around it too, are not for it: it ends when its input does.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from usagecost.ingest import Report, load
from usagecost.lake import Lake
from usagecost.lake.staging import bounded_database
from usagecost.sources import Batch, FileProblem, Head, Reading
from usagecost.sources.otel import OpenTelemetry
from usagecost.sources.otel_skips import clean_scope, scope_without_names

MOST_SENDERS = 1_000

NICENESS = 10
"""Acknowledging goes first."""


def main() -> None:
    """Does what it is told until nobody tells it anything."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if os.name == "posix":
        os.nice(NICENESS)
    lake = Lake(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        answers.write(json.dumps(answer(lake, json.loads(line))) + "\n")
        answers.flush()


def answer(lake: Lake, order: dict[str, Any]) -> dict[str, Any]:
    """What came of an order: the report of a load, or what stood against it."""
    try:
        if "load" in order:
            return {"report": asdict(_load(lake, [Path(file) for file in order["load"]]))}
        _keep_up(lake, order["keep_up"])
    except FileProblem as problem:
        return {"unreadable": str(problem)}
    except Exception as problem:  # whatever it is: who asked says it, and asks again later
        return {"failed": (str(problem).strip() or type(problem).__name__).splitlines()[0]}
    return {}


def _load(lake: Lake, files: Sequence[Path]) -> Report:
    with lake.staging() as folder, bounded_database(folder) as con:
        batches = _batches(map(Head.of, files), Reading(con, datetime.now(UTC)))
        report = load(_SENDERS.watched(_whole(batches)), lake, about={"received": f"{len(files)} spool files"})
        return replace(report, problems=(*report.problems, *_SENDERS.unused()))


class _Senders:
    """Which instrumentations sent spans of which none was a request, by the scopes of their spans, since the process began."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._skips: set[str] = set()

    def watched(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield the batches, having looked at them."""
        for batch in batches:
            scopes = pc.extract_regex(batch.requests["attributes"], '"scope":"(?P<scope>[^"]*)"').combine_chunks()
            named = pc.unique(pc.struct_field(scopes, "scope")).to_pylist()
            used = {clean_scope(scope) for scope in named if scope}
            for seen, new in ((self._used, used), (self._skips, {reason for _, reason in batch.skips})):
                seen.update(sorted(new - seen)[: MOST_SENDERS - len(seen)])
            yield batch

    def unused(self) -> list[str]:
        """Return a sentence for each scope of which no span was used."""
        return [
            f"Nothing that scope {scope} sent so far was used: its spans have no usage names that are known."
            for reason in sorted(self._skips)
            if (scope := scope_without_names(reason)) and scope not in self._used
        ]


_SENDERS = _Senders()


def _batches(heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
    """Lines are spans; in a spool that an earlier version has left, whole exports."""
    source = OpenTelemetry()
    for are_exports, group in groupby(heads, key=lambda head: source.recognise(head) is not None):
        read = source.read if are_exports else source.read_spans
        yield from read(group, reading)


def _whole(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Batches of files that could be read to their end; raises FileProblem otherwise, before anything is committed."""
    for batch in batches:
        whole_files = batch.rejects.filter(pc.is_null(batch.rejects["line"]))
        if whole_files.num_rows:
            raise FileProblem(whole_files["reason"][0].as_py().removeprefix("The file "))
        yield batch


def _keep_up(lake: Lake, grace_hours: float) -> None:
    if lake.exists:
        lake.compact()
        lake.vacuum(grace_hours)
        for name in () if lake.is_remote else lake.verify().damaged:  # a store checks its objects, and to fetch all of them costs
            logging.getLogger(__name__).error("%s is damaged: see `python -m usagecost doctor --verify`", name)


if __name__ == "__main__":
    main()
