"""What speaks against a row, in a sentence that names the column, the value and the cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from usagecost.sources.conventions import Conventions
from usagecost.sources.kinds import Kind
from usagecost.sources.sql import literal

MOST_ID_CHARACTERS = 1_000

_BLANK = r"'\s*(null|none|n/a|-|\\N)?\s*', 'i'"
"""How exports write that there is no value: a pattern, as DuckDB would make a join of an IN."""

_PARTS = (
    ("input_tokens", ("cache_read_tokens", "cache_write_tokens"), "input_includes_cache_read or input_includes_cache_write"),
    ("cache_write_tokens", ("cache_write_1h_tokens",), None),
    ("output_tokens", ("output_reasoning_tokens",), "output_includes_reasoning"),
    ("input_tokens", ("input_audio_tokens",), None),
    ("output_tokens", ("output_audio_tokens",), None),
)
"""A count, its parts, and the option that says otherwise."""


def reason_sql(columns: Sequence[str], kinds: Mapping[str, Kind], conventions: Conventions) -> str:
    """SQL for the first thing that speaks against a row, a sentence; NULL for nearly all, which costs one test.

    Of the columns that are read by a kind it wants `raw_…` and `parsed_…` beside the value.
    """
    request_id, started_at = _name("request_id", conventions), _name("started_at", conventions)
    against = [
        ("problem IS NOT NULL", "problem"),
        ("request_id IS NULL", literal(f"{request_id} is empty: a request needs an id of its own.")),
        (f"length(request_id) > {MOST_ID_CHARACTERS}", literal(f"{request_id} is longer than {MOST_ID_CHARACTERS:,} characters.")),
        (
            f"started_at IS NULL AND regexp_full_match(coalesce(raw_started_at, ''), {_BLANK})",
            literal(f"{started_at} is empty: a request needs the time when it was sent."),
        ),
        *(_wrong(column, kind, conventions) for column, kind in kinds.items()),
        *_parts_above_their_whole(columns, conventions),
    ]
    sentences = ", ".join(f"CASE WHEN {condition} THEN {sentence} END" for condition, sentence in against)
    return f"CASE WHEN {' OR '.join(f'({condition})' for condition, _ in against)} THEN coalesce({sentences}) END"


def _wrong(column: str, kind: Kind, conventions: Conventions) -> tuple[str, str]:
    """When a value is wrong, or seems so, and the sentence."""
    wrong = kind.wrong.format(raw=f"raw_{column}", parsed=f"parsed_{column}")
    start = literal(f'{_name(column, conventions)} is "')
    return (
        f"{column} IS NULL AND raw_{column} IS NOT NULL AND NOT regexp_full_match(raw_{column}, {_BLANK})",
        f"{start} || left(raw_{column}, 100) || '\": ' || {wrong}",
    )


def _parts_above_their_whole(columns: Sequence[str], conventions: Conventions) -> list[tuple[str, str]]:
    """When parts are more than the count they are in, and the sentence."""
    tests = []
    for whole, all_parts, option in _PARTS:
        parts = [part for part in all_parts if part in columns]
        if whole in columns and parts:
            total = " + ".join(f"coalesce({part}, 0)" for part in parts)
            names = " and ".join(_name(part, conventions) for part in parts)
            start = literal(f"{names} {'are together' if len(parts) > 1 else 'is'} ")
            cure = f"If this log counts them apart, a mapping says so: {option} = false." if option else "Correct the log."
            end = literal(f" of {_name(whole, conventions)} around it. {cure}")
            tests.append((f"{total} > {whole}", f"{start} || ({total}) || ', more than the ' || {whole} || {end}"))
    return tests


def _name(column: str, conventions: Conventions) -> str:
    """What a sentence calls a column."""
    name = conventions.names.get(column, column)
    return column if name == column else f"{column} (column {name})"
