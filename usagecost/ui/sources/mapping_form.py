"""The form that maps a table's columns onto the record: guesses to correct, and the questions that nobody can guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import streamlit as st

from usagecost import ingest
from usagecost.ingest import GIVEN_COLUMNS, Inspection
from usagecost.periods import known_zones
from usagecost.schema import COLUMN_BY_NAME
from usagecost.ui.text import plain

MAIN_FIELDS = (
    "started_at", "request_id", "model", "provider", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "output_reasoning_tokens", "reported_cost_usd", "status", "duration_ms", "user_id", "team_id", "app",
)  # fmt: skip
MORE_FIELDS = tuple(column for column in GIVEN_COLUMNS if column not in MAIN_FIELDS)

INCLUSIONS = {
    "input_includes_cache_read": ("input_tokens", "cache_read_tokens", "cache reads"),
    "input_includes_cache_write": ("input_tokens", "cache_write_tokens", "cache writes"),
    "output_includes_reasoning": ("output_tokens", "output_reasoning_tokens", "reasoning"),
}
"""Key of a mapping -> the whole, its part, and what the part is called."""

BY_SIZE, NO_COLUMN = "by size", ""
TIME_UNITS = {BY_SIZE: "By their size", "s": "Seconds", "ms": "Milliseconds", "us": "Microseconds", "ns": "Nanoseconds"}
DURATION_UNITS = {"ms": "Milliseconds", "s": "Seconds", "us": "Microseconds", "ns": "Nanoseconds"}
COST_UNITS = {"usd": "Dollars", "cents": "Cents", "nano": "Billionths of a dollar"}
FOUND_OUT = "found out"
NUMBER_STYLES = {FOUND_OUT: "By what each column shows", "false": "1,234.5", "true": "1.234,5"}
"""Value of `decimal_comma` -> how a number is written then."""
YES_NO = {True: "Yes", False: "No"}
OUTCOMES = ("success", "error", "cancelled")
MOST_STATUSES = 12
OF_ALL_ROWS = {
    "model": "gpt-4o, claude-opus-4-6, …",
    "provider": "openai, anthropic, azure, …",
    "app": "chatbot",
    "environment": "production",
    "team_id": "platform",
    "user_id": "ada@example.com",
}
"""Columns of the record that may be the same for all rows of a table, each with an example."""
FORM_KEYS = {
    "source", "recognise", "columns", "constants", "attributes", "statuses", "no_value", "decimal_comma", "timezone", "time_unit",
    "duration_unit", "cost_unit", *INCLUSIONS,
}  # fmt: skip


def fits_form(keys: Mapping[str, Any], file: Inspection) -> bool:
    """Whether the form can say all that a mapping of this table says."""
    columns = keys.get("columns", {})
    return (
        keys.keys() <= FORM_KEYS
        and columns.keys() <= {*MAIN_FIELDS, *MORE_FIELDS}
        and all(isinstance(name, str) and name in file.columns for name in columns.values())
        and set(keys.get("attributes", ())) <= set(file.columns)
        and keys.get("constants", {}).keys() <= OF_ALL_ROWS.keys()
    )


def mapping_keys(file: Inspection, start: Mapping[str, Any]) -> dict[str, Any]:
    """Draws the form for a table and returns the keys of the mapping that it describes; unanswered questions are absent.

    It begins with the mapping `start`, else with guesses.
    """
    form = _Form(file, start)
    st.markdown("**Column mapping**")
    filled_in = "From the remembered mapping" if start.get("recognise") else "Guessed by name"
    st.caption(f"{filled_in}: correct what is wrong. Columns that are not named here are left out, as they may hold prompts.")
    columns = form.columns()
    constants = form.constants(columns)
    st.markdown("**Import options**")
    keys = {"source": form.source(), **form.inclusions(columns), **form.units(columns), **form.numbers()}
    statuses, attributes = form.statuses(columns), form.attributes(columns)
    optional = {"attributes": attributes, "columns": columns, "constants": constants, "statuses": statuses}
    return keys | {name: value for name, value in optional.items() if value}


class _Form:
    """The widgets of one table's form; their names hold for all tables with these columns."""

    def __init__(self, file: Inspection, start: Mapping[str, Any]) -> None:
        self._file, self._start = file, start
        self._id = f"map_{crc32(repr(file.columns).encode()):08x}"
        self._guesses = start["columns"] if "columns" in start else ingest.guessed_columns(file.columns)

    def columns(self) -> dict[str, str]:
        """Which column of the table fills which of the record."""
        columns_of = self._choices(MAIN_FIELDS)
        with st.expander("More fields", key=f"{self._id}_more"):
            columns_of |= self._choices(MORE_FIELDS)
        return columns_of

    def _choices(self, fields: Sequence[str]) -> dict[str, str]:
        grid = st.grid(3, min_column_width=220, gap="small")
        options = [NO_COLUMN, *(name for name in self._file.columns if name)]
        columns_of = {}
        for field in fields:
            meaning = COLUMN_BY_NAME[field]
            columns_of[field] = grid.selectbox(
                f"{field}{' (required)' if field == 'started_at' else ''}",
                options,
                index=options.index(self._guesses.get(field, NO_COLUMN)),
                format_func=lambda name: name or "not in this table",
                key=f"{self._id}_{field}",
                help=f"{meaning.meaning}{f' ({meaning.unit})' if meaning.unit else ''}",
            )
        return {field: name for field, name in columns_of.items() if name}

    def source(self) -> str:
        """The name of these requests in the lake."""
        plain_name = re.sub(r"[^a-z0-9]+", "-", Path(self._file.name).stem.lower())
        plain_name = re.sub(r"(-[0-9]+)+$", "", plain_name).strip("-")  # next month's file is of the same source
        name = st.text_input(
            "Name of the source",
            value=self._start.get("source") or plain_name or "table",
            max_chars=60,
            key=f"{self._id}_source",
            help="Under this name the requests appear. Load later files under the same name, so that no request comes twice.",
            width=360,
        )
        return (name or "").strip() or "table"

    def inclusions(self, columns: dict[str, str]) -> dict[str, bool]:
        """What the counts include. The cost depends on it, so nothing is taken for granted."""
        answers = {}
        for key, (whole, part, words) in INCLUSIONS.items():
            if part in columns:
                is_included = st.radio(
                    f"Does {plain(columns.get(whole, whole))} include the {words} in {plain(columns[part])}?",
                    list(YES_NO),
                    index=list(YES_NO).index(self._start[key]) if key in self._start else None,
                    format_func=YES_NO.__getitem__,
                    horizontal=True,
                    key=f"{self._id}_{key}",
                    help="OpenAI's input includes cache reads, Anthropic's and Bedrock's input includes neither reads nor writes.",
                )
                answers |= {} if is_included is None else {key: is_included}
        return answers

    def units(self, columns: dict[str, str]) -> dict[str, str]:
        """Units of time and money, where they are not the usual ones."""
        grid = st.grid(3, min_column_width=220, gap="small")
        written_out = "Since 1970. Times written out, such as 2026-11-23T14:32:00Z, need no unit."
        time_unit = self._choice(grid, "Times that are plain numbers", TIME_UNITS, "time_unit", BY_SIZE, written_out)
        zones = ["UTC", *(zone for zone in known_zones() if zone != "UTC")]
        timezone = self._start.get("timezone", "UTC")
        zone = grid.selectbox(
            "Zone of times without an offset",
            zones,
            index=zones.index(timezone) if timezone in zones else 0,
            key=f"{self._id}_timezone",
        )
        units = {"time_unit": None if time_unit == BY_SIZE else time_unit, "timezone": None if zone == "UTC" else zone}
        if "duration_ms" in columns or "ttft_ms" in columns:
            guess = ingest.guessed_duration_unit(columns.get("duration_ms", columns.get("ttft_ms", "")))
            units["duration_unit"] = self._choice(grid, "Unit of durations", DURATION_UNITS, "duration_unit", guess)
        if "reported_cost_usd" in columns:
            guess = ingest.guessed_cost_unit(columns["reported_cost_usd"])
            units["cost_unit"] = self._choice(grid, "Unit of costs", COST_UNITS, "cost_unit", guess)
        return {name: unit for name, unit in units.items() if unit is not None}

    def _choice(self, grid: Any, label: str, options: Mapping[str, str], key: str, guess: str, help_text: str | None = None) -> str:
        """The choice of a key's value, which begins with that of the mapping; a flag is a word, as TOML writes it."""
        names, option = list(options), str(self._start.get(key, guess)).lower()
        return grid.selectbox(label, names, names.index(option), options.__getitem__, key=f"{self._id}_{key}", help=help_text)

    def numbers(self) -> dict[str, bool | list[str]]:
        """How numbers are written, and which words stand for none, where the table does not show it."""
        grid = st.grid(3, min_column_width=220, gap="small")
        refused = "Where neither a column nor another shows how numbers are written, the file is refused until you say it here."
        style = self._choice(grid, "Numbers are written", NUMBER_STYLES, "decimal_comma", FOUND_OUT, refused)
        words = grid.text_input(
            "Words for “no value”",
            value=", ".join(self._start.get("no_value", ())),
            key=f"{self._id}_no_value",
            placeholder="Included, not billed",
            help="Separated by commas. Empty cells, -, N/A, none and null need not be named.",
        )
        no_value = [word.strip() for word in (words or "").split(",") if word.strip()]
        decimals = {} if style == FOUND_OUT else {"decimal_comma": style == "true"}
        return {**decimals, **({"no_value": no_value} if no_value else {})}

    def constants(self, columns: dict[str, str]) -> dict[str, str]:
        """What is the same for all rows: a model and a provider, on which prices depend, and who asked."""
        lacking = [field for field in OF_ALL_ROWS if field not in columns]
        if not lacking:
            return {}
        st.caption("The same for all rows, where no column of the table says it. A price needs a model and, for most, a provider.")
        grid = st.grid(3, min_column_width=220, gap="small")
        texts = {
            field: grid.text_input(
                f"{field} of all rows",
                value=str(self._start.get("constants", {}).get(field, "")),
                key=f"{self._id}_{field}_of_all",
                placeholder=OF_ALL_ROWS[field],
                help=COLUMN_BY_NAME[field].meaning,
            )
            for field in lacking
        }
        return {field: text.strip() for field, text in texts.items() if text and text.strip()}

    def statuses(self, columns: dict[str, str]) -> dict[str, str]:
        """What the table's own words for an outcome mean, where they are not the usual ones."""
        if "status" not in columns:
            return {}
        words = ingest.unknown_statuses(self._file.path, columns["status"])[:MOST_STATUSES]
        if not words:
            return {}
        st.caption("What these words for the outcome mean. Rows with a word that means nothing are rejected.")
        outcomes = self._start.get("statuses", {})
        grid = st.grid(3, min_column_width=220, gap="small")
        choices = {
            word: grid.selectbox(
                plain(word[:60]),
                OUTCOMES,
                index=OUTCOMES.index(outcomes[word]) if word in outcomes else None,
                key=f"{self._id}_status_{word}",
                placeholder="means …",
            )
            for word in words
        }
        return {word: outcome for word, outcome in choices.items() if outcome}

    def attributes(self, columns: dict[str, str]) -> list[str]:
        """Further columns that are kept."""
        rest = [name for name in self._file.columns if name not in columns.values()]
        if not rest:
            return []
        return st.multiselect(
            "Keep further columns",
            rest,
            default=[name for name in self._start.get("attributes", ()) if name in rest],
            key=f"{self._id}_attributes",
            placeholder="None: all others are left out",
            help="They are kept as attributes of the request. Leave out what may hold prompts or answers.",
        )
