"""Why spans are no requests, and which parts of rejected spans may be shown.

The name of a scope is whatever its sender likes: it is cut, cleaned, and few of them are named of each file.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from dataclasses import replace

import pyarrow as pa

from usagecost.schema import REJECTS
from usagecost.sources.otel_logs import DUPLICATE, NO_CALL
from usagecost.sources.otel_picked import PLACES, pick
from usagecost.sources.protocol import Batch, Skips
from usagecost.sources.sql import literal

MOST_SCOPES = 30
"""Reasons with a scope's name in them that a file may have."""

MOST_LETTERS = 60

_SPAN_OF, _LOG_OF = "span of scope ", "log record of scope "
_NO_NAMES = " without usage names that are known"
_NO_CALL = " that calls no model"
OTHER_SCOPES = "records of other scopes"

_CLEAN = "[^A-Za-z0-9 ._/@-]"

_OF_SCOPE = f"""CASE
    WHEN scope IS NULL THEN if(log_kind IS NULL, 'span of no scope', 'log record of no scope')
    ELSE if(log_kind IS NULL, {literal(_SPAN_OF)}, {literal(_LOG_OF)})
        || regexp_replace(left(scope, {MOST_LETTERS}), {literal(_CLEAN)}, '?', 'g')
END"""

_STREAM_STARTS = """scope IN ('logfire.openai', 'logfire.anthropic') AND logfire_type = 'span' AND operation = 'chat'
    AND response_id IS NULL AND NOT has_usage AND NOT has_failed"""
"""Whether a span is Logfire's of how a streamed answer began: the usage is in another one, which it writes at the end."""

SKIPPED = f"""CASE
    WHEN {_STREAM_STARTS} THEN 'start of a streamed answer, of which another span has the usage'
    WHEN log_kind = '{DUPLICATE}' THEN 'log record of a call that another log record tells with more'
    WHEN has_usage OR is_call THEN NULL
    WHEN log_kind = '{NO_CALL}' THEN {_OF_SCOPE} || {literal(_NO_CALL)}
    WHEN coalesce(operation, kind, vercel_operation, observation_type) IS NOT NULL THEN {_OF_SCOPE} || {literal(_NO_CALL)}
    ELSE {_OF_SCOPE} || {literal(_NO_NAMES)}
END"""
"""SQL for why a span is no request; NULL where it is one."""


def clean_scope(scope: str) -> str:
    """Return the name of a scope as reasons have it."""
    return re.sub(_CLEAN, "?", scope[:MOST_LETTERS])


def scope_without_names(reason: str) -> str | None:
    """Return the scope of which a reason says that its spans have no usage names that are known."""
    if not (reason.startswith(_SPAN_OF) and reason.endswith(_NO_NAMES)):
        return None
    return reason.removeprefix(_SPAN_OF).removesuffix(_NO_NAMES)


def tidy(batches: Iterable[Batch]) -> Generator[Batch]:
    """Yield the batches with at most MOST_SCOPES reasons a file, and without contents in what was rejected."""
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for batch in batches:
        skips: Skips = Counter()
        for (file, reason), count in batch.skips.most_common():
            has_scope = reason.startswith((_SPAN_OF, _LOG_OF))
            if has_scope and len(reasons[file]) < MOST_SCOPES:
                reasons[file].add(reason)
            skips[file, reason if not has_scope or reason in reasons[file] else OTHER_SCOPES] += count
        raws = pa.array([_without_contents(raw) for raw in batch.rejects["raw"].to_pylist()], pa.string())
        place = batch.rejects.schema.get_field_index("raw")
        yield replace(batch, skips=skips, rejects=batch.rejects.set_column(place, REJECTS.field("raw"), raws))


def _without_contents(raw: str | None) -> str | None:
    """Return a span that was rejected with only those places of its JSON attributes that are read; None if that cannot be told."""
    if raw is None or not any(name in raw for name in PLACES):
        return raw
    try:
        span = json.loads(raw)
        attributes = dict(span["attributes"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    picks = {name: pick(name, attributes[name]) for name in PLACES if attributes.get(name) is not None}
    return json.dumps({**span, "attributes": {**attributes, **picks}})
