"""Langfuse: what its pages and its API download, and what it exports to a bucket.

A download is one JSON document, `{trace, observations[]}`, or a trace with its observations in it. An export has a file for each
window of time: `observations_v2`, whose rows say themselves what is known of their trace, or `observations` and `traces`, each as
CSV, JSON, JSON lines or Parquet. These two are joined here: user, session, tags, release and name of a trace are taken from the
traces files of the same ingest, whichever come first. Without them the requests come in without these facts; given both together
later, they are completed, as of two versions of a request the one that knows its trace ranks higher.

An observation is the same request in every kind of file. One that contains others repeats their usage: see LINEAGE.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from usagecost.schema import REQUESTS
from usagecost.sources.conventions import Conventions
from usagecost.sources.files import FileProblem, Head
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.langfuse_rows import (
    FIELDS,
    KNOWN_TRACES,
    LINEAGE,
    NEWEST_TRACES,
    NOTHING,
    READ_TRACES,
    ROWS,
    TRACE_FIELDS,
    TRACES,
    spellings,
)
from usagecost.sources.langfuse_usage import COUNTS
from usagecost.sources.protocol import Batch, Reading, file_problem, with_rest
from usagecost.sources.records import Records, is_json, record_names
from usagecost.sources.sql import identifier, literal, registered

DOCUMENT = "a trace with its observations"
OBSERVATIONS = "observations"
TRACES_ONLY = "traces, for the users, sessions and tags of observations"
SCORES = "scores, which are no requests"

_BEGINS_A_DOCUMENT = re.compile(rb'\s*+(?:\[\s*+)?\{\s*+"trace"\s*+:\s*+\{')
"""A download whose first object does not end within the head shows by this."""

_OF_A_TRACE = dict.fromkeys(("id", "name", "userId", "sessionId", "tags", "release"), "JSON")
_DOCUMENT_SHAPE = json.dumps({**_OF_A_TRACE, "trace": _OF_A_TRACE, "observations": ["JSON"], "data": ["JSON"]})

_ELEMENTS = f"""
SELECT
    * EXCLUDE (row, document, observations, trace, item, number)
    REPLACE ('{{"trace":' || trace || ',"observation":' || coalesce(item::VARCHAR, 'null') || '}}' AS text),
    row AS line_row
FROM (
    SELECT *, unnest(observations) AS item, generate_subscripts(observations, 1) AS number
    FROM (
        SELECT
            *,
            coalesce(document.observations, document.data) AS observations,
            to_json(
                coalesce(document.trace, {{{", ".join(f"'{name}': document.{identifier(name)}" for name in _OF_A_TRACE)}}})
            )::VARCHAR AS trace
        FROM (SELECT *, from_json(text, {literal(_DOCUMENT_SHAPE)}) AS document FROM whole_lines)
    )
)
ORDER BY line_row, number
"""
"""Of a document its observations, each with what is of use of the trace. Answers of the API have them under `data`, without a
trace."""

_CONVENTIONS = Conventions(
    names={
        "request_id": "id",
        "started_at": "start_time",
        "reported_cost_usd": "total_cost",
        **dict.fromkeys(COUNTS, "usage_details"),
    }
)


class Langfuse:
    """Traces and observations of Langfuse."""

    name = "langfuse"
    title = "Langfuse traces and observations"
    counts = (
        "Langfuse keeps kinds of tokens apart: input_tokens is all kinds of input together, caches included, output_tokens all "
        "kinds of output, reasoning included. Where a total says that the counts were sent otherwise, it decides. An observation "
        "that repeats the usage of its parts is not counted."
    )

    def recognise(self, head: Head) -> str | None:
        """By the names of an observation's fields, or a trace's."""
        kind = _kind(head)
        return f"Langfuse: {kind}" if kind else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """Documents as they come, and traces; then the observations, which need them."""
        reading.con.execute(KNOWN_TRACES)
        observations: list[tuple[Path, str | None]] = []  # a head may be large, and there may be many
        for kind, group in groupby(heads, key=_kind_or_observations):
            if kind == DOCUMENT:
                yield from self._documents().batches(group, reading)
            elif kind == TRACES_ONLY:
                yield from self._traces(group, reading)
            elif kind == SCORES:
                yield from Records(self.name, ("id",), NOTHING, are_requests=False).read(group, reading)
            elif kind == OBSERVATIONS:
                observations += [(head.path, head.name) for head in group]
            else:
                yield from (file_problem(reading, self.name, head, _NO_EXPORT) for head in group)
        reading.con.execute(NEWEST_TRACES)
        problems: list[Batch] = []
        records = Records(self.name, spellings(FIELDS), ROWS, _CONVENTIONS, LINEAGE)
        yield from records.read(self._reopened(observations, reading, problems), reading)
        yield from problems

    def _documents(self) -> JsonLines:
        """How documents are read: fields of an observation that it lacks are its trace's."""
        names = spellings(FIELDS)
        trace_fields = {"userId": "userId", "sessionId": "sessionId", "traceName": "name", "tags": "tags", "release": "release"}
        trace_fields |= {"traceId": "id"}
        texts = ", ".join(
            f"coalesce(record.observation.{identifier(name)}, record.trace.{trace_fields[name]}) AS {identifier(name)}"
            if name in trace_fields
            else f"record.observation.{identifier(name)} AS {identifier(name)}"
            for name in names
        )
        records = f", records AS (SELECT row, line, source_file, {texts} FROM lines)"
        shape = {"trace": dict.fromkeys(_OF_A_TRACE, "VARCHAR"), "observation": dict.fromkeys(names, "VARCHAR")}
        rows, lineage = f"{records} {ROWS}", f"{records} {LINEAGE}"
        return JsonLines(self.name, shape, rows, _CONVENTIONS, elements=lambda _: _ELEMENTS, lineage=lineage)

    def _traces(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """Puts traces aside for the observations; they are no requests themselves."""
        conventions = Conventions(names={"request_id": "id", "started_at": "timestamp"})
        traces = Records(self.name, spellings(TRACE_FIELDS), TRACES, conventions, are_requests=False)
        for batch in traces.read(heads, reading):
            with registered(reading.con, "traces_read", batch.requests):
                reading.con.execute(READ_TRACES)
            yield replace(
                batch,
                requests=REQUESTS.empty_table(),
                skips=with_rest(batch.skips, batch.skipped + batch.requests.num_rows, "trace around requests"),
                supplements=frozenset(batch.requests["source_file"].unique().to_pylist()),
            )

    def _reopened(self, files: Iterable[tuple[Path, str | None]], reading: Reading, problems: list[Batch]) -> Iterator[Head]:
        """The files again; those that have gone in the meantime are problems."""
        for path, name in files:
            try:
                yield Head.of(path, name=name)
            except FileProblem as problem:
                missing = Head(path, b"", is_whole=False, name=name)
                problems.append(file_problem(reading, self.name, missing, problem))


_NO_EXPORT = FileProblem(
    "is no export of Langfuse: it has no columns id, trace_id and start_time. Say with --as what it is, or leave --as out."
)


def _kind(head: Head) -> str | None:
    """What a file holds; None if that is nothing of Langfuse's."""
    if _BEGINS_A_DOCUMENT.match(head.start) or any(_is_document(value) for value in head.objects):
        return DOCUMENT
    names = set(record_names(head))
    trace_ids, starts = names & {"trace_id", "traceId"}, names & {"start_time", "startTime"}
    has_usage = names & {"parent_observation_id", "parentObservationId", "usage_details", "usageDetails", "usage", "totalCost"}
    if "id" in names and "type" in names and trace_ids and starts and has_usage:
        return OBSERVATIONS
    if {"id", "timestamp", "name", "tags"} <= names and names & {"user_id", "userId"} and names & {"bookmarked", "release"}:
        return TRACES_ONLY
    if {"id", "timestamp", "name", "value", "source"} <= names and names & {"data_type", "dataType"} and trace_ids:
        return SCORES
    return None


def _kind_or_observations(head: Head) -> str | None:
    """The same of a file that is said to be Langfuse's: lines that are JSON can be looked at one by one."""
    return _kind(head) or (OBSERVATIONS if is_json(head) else None)


def _is_document(value: dict[str, object]) -> bool:
    """Whether an object is a trace with its observations, or observations as the API answers with them."""
    observations = value.get("observations") if "observations" in value else value.get("data")
    if not isinstance(observations, list):
        return False
    first = next((item for item in observations if isinstance(item, dict)), {})
    is_observation = "traceId" in first and "startTime" in first
    return is_observation or (not observations and isinstance(value.get("trace"), dict))
