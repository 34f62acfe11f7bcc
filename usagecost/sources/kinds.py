"""How each kind of column is read from text, and what makes a value wrong: SQL, and sentences.

A value is read in two steps: `parsed`, from the text, and `valid`, from that; where a text is there and no valid value comes
of it, `wrong` says why (NULL: nothing is wrong, the value is just not there). In the templates {raw} is the text, {parsed}
what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from usagecost.schema import COLUMN_BY_NAME, COUNT, FLAG, INSTANT, MILLISECONDS, MONEY
from usagecost.sources.conventions import COSTS, DURATIONS, STATUSES, Conventions
from usagecost.sources.moments import EARLIEST, instant_sql
from usagecost.sources.sql import literal

MOST_TOKENS = 10_000_000_000
MOST_COST_USD = 1_000_000
MOST_DURATION_MS = 30 * 86_400_000
CLOCK_SKEW = timedelta(days=1)
"""How far the clock of who wrote a log may be ahead of ours."""


@dataclass(frozen=True)
class Kind:
    """Three templates, as said above."""

    parsed: str
    valid: str
    wrong: str


def kind_of(column: str, conventions: Conventions, now: datetime) -> Kind | None:
    """How a canonical column is read from text; None if it is a text itself, or a list of them."""
    if column == "status":
        return _status(conventions)
    if column == "http_status":
        return HTTP_STATUS
    kinds = {
        COUNT: COUNT_OF_TOKENS,
        MILLISECONDS: _duration(conventions.duration_unit),
        MONEY: _cost(conventions.cost_unit),
        FLAG: YES_OR_NO,
        INSTANT: _instant(conventions, now),
    }
    return kinds.get(COLUMN_BY_NAME[column].type)


COUNT_OF_TOKENS = Kind(
    parsed="TRY_CAST({raw} AS DOUBLE)",  # exact for whole numbers up to 2^53; a BIGINT would round 12.5
    valid=f"CASE WHEN {{parsed}} BETWEEN 0 AND {MOST_TOKENS} AND {{parsed}} = floor({{parsed}}) THEN {{parsed}}::BIGINT END",
    wrong=f"""CASE
        WHEN {{parsed}} < 0 THEN 'a count cannot be negative. Correct the log, or leave the value empty.'
        WHEN {{parsed}} > {MOST_TOKENS} AND NOT isnan({{parsed}})
            THEN 'no request has more than {MOST_TOKENS:,} tokens. Correct the log, or leave the value empty.'
        ELSE 'a count is a whole number. Correct the log, or leave the value empty.'
    END""",
)

YES_OR_NO = Kind("TRY_CAST({raw} AS BOOLEAN)", "{parsed}", "'it has to be true or false, or empty.'")

HTTP_STATUS = Kind(
    parsed="TRY_CAST({raw} AS DOUBLE)",
    valid="CASE WHEN {parsed} BETWEEN 100 AND 999 THEN {parsed}::INTEGER END",  # 0 or -1 where there was no answer
    wrong="CASE WHEN {parsed} IS NULL THEN 'an HTTP status is a number such as 200, or empty.' END",
)


def _duration(unit: str) -> Kind:
    """Negative and undefined durations are how logs write that nothing was measured."""
    return Kind(
        parsed=f"TRY_CAST({{raw}} AS DOUBLE) * {DURATIONS[unit]!r}",
        valid=f"CASE WHEN {{parsed}} BETWEEN 0 AND {MOST_DURATION_MS} THEN {{parsed}} END",
        wrong=f"""CASE
            WHEN {{parsed}} IS NULL THEN 'a duration is a number, or empty.'
            WHEN {{parsed}} > {MOST_DURATION_MS} AND NOT isnan({{parsed}})
                THEN 'that is more than 30 days. Check the unit: duration_unit in the mapping.'
        END""",
    )


def _cost(unit: str) -> Kind:
    fraction = """WHEN {parsed} IS NULL AND TRY_CAST({raw} AS DOUBLE) IS NOT NULL
        THEN 'that has a fraction, and billionths of a dollar are whole numbers. Split the file by the unit of its costs.'"""
    return Kind(
        parsed=COSTS[unit],
        valid=f"CASE WHEN {{parsed}} BETWEEN 0 AND {MOST_COST_USD} THEN {{parsed}}::DECIMAL(18, 9) END",
        wrong=f"""CASE
            WHEN {{parsed}} < 0 THEN 'a cost cannot be negative. Leave credits out, or the value empty.'
            WHEN {{parsed}} > {MOST_COST_USD} OR TRY_CAST({{raw}} AS DOUBLE) BETWEEN {MOST_COST_USD} AND 'inf'::DOUBLE
                THEN 'no request costs more than {MOST_COST_USD:,} USD. Check the unit: cost_unit in the mapping.'
            {fraction if unit == "nano" else ""}
            ELSE 'a cost is a number without a currency sign, or empty.'
        END""",
    )


def _instant(conventions: Conventions, now: datetime) -> Kind:
    latest = f"make_timestamptz({round((now + CLOCK_SKEW).timestamp()) * 1_000_000})"
    earliest = f"make_timestamptz({round(EARLIEST.timestamp()) * 1_000_000})"
    return Kind(
        parsed=instant_sql("{raw}", conventions.time_unit, conventions.timezone, now + CLOCK_SKEW),
        valid=f"CASE WHEN {{parsed}} BETWEEN {earliest} AND {latest} THEN {{parsed}} END",
        wrong=f"""CASE
            WHEN {{parsed}} IS NULL THEN 'that is no time. Write it as 2026-11-23T14:32:00Z, or as a number since 1970.'
            ELSE 'that is ' || left({{parsed}}::VARCHAR, 10)
                || CASE WHEN {{parsed}} < {earliest} THEN ', before {EARLIEST:%Y}' ELSE ', in the future' END
                || '. Check the time and its unit.'
        END""",
    )


def _status(conventions: Conventions) -> Kind:
    """The log's own words first, then the usual ones, and HTTP's numbers."""
    words = {**STATUSES, **{word.lower(): outcome for word, outcome in conventions.statuses.items()}}
    cases = " ".join(f"WHEN {_in_template(literal(word))} THEN '{outcome}'" for word, outcome in words.items())
    return Kind(
        parsed=f"coalesce(CASE lower({{raw}}) {cases} END, {status_of_http('TRY_CAST({raw} AS INTEGER)')})",
        valid="{parsed}",
        wrong="'a status is success, error or cancelled. Say under [statuses] in a mapping which of them this one means.'",
    )


def _in_template(sql: str) -> str:
    """SQL that stays as it is when a template is filled in."""
    return sql.replace("{", "{{").replace("}", "}}")


def status_of_http(number: str) -> str:
    """SQL for the outcome that an HTTP status means; 499 is a client that went away."""
    return f"""CASE
        WHEN {number} = 499 THEN 'cancelled'
        WHEN {number} BETWEEN 100 AND 399 THEN 'success'
        WHEN {number} BETWEEN 400 AND 599 THEN 'error'
    END"""
