"""The form that maps a table's columns onto the record: guesses to correct, and the questions that nobody can guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import streamlit as st

from usagecost import ingest
from usagecost.ingest import GIVEN_COLUMNS, Looked
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
MOST_STATUSES = 12


def mapping_keys(file: Looked) -> dict[str, Any]:
    """Draws the form for a table and returns the keys of the mapping that it describes; unanswered questions are absent."""
    form = _Form(file)
    st.markdown("**Column mapping**")
    st.caption("Guessed by name: correct what is wrong. Columns that are not named here are left out, as they may hold prompts.")
    columns = form.columns()
    st.markdown("**Import options**")
    keys = {"source": form.source(), **form.inclusions(columns), **form.units(columns), **form.numbers()}
    constants, statuses, attributes = form.constants(columns), form.statuses(columns), form.attributes(columns)
    optional = {"attributes": attributes, "columns": columns, "constants": constants, "statuses": statuses}
    return keys | {name: value for name, value in optional.items() if value}


class _Form:
    """The widgets of one table's form; their names hold for all tables with these columns."""

    def __init__(self, file: Looked) -> None:
        self._file = file
        self._id = f"map_{crc32(repr(file.columns).encode()):08x}"
        self._guesses = ingest.guessed_columns(file.columns)

    def columns(self) -> dict[str, str]:
        """Which column of the table fills which of the record."""
        chosen = self._choices(MAIN_FIELDS)
        with st.expander("More fields", key=f"{self._id}_more"):
            chosen |= self._choices(MORE_FIELDS)
        return chosen

    def _choices(self, fields: Sequence[str]) -> dict[str, str]:
        grid = st.grid(3, min_column_width=220, gap="small")
        options = [NO_COLUMN, *(name for name in self._file.columns if name)]
        chosen = {}
        for field in fields:
            meaning = COLUMN_BY_NAME[field]
            chosen[field] = grid.selectbox(
                f"{field}{' (required)' if field == 'started_at' else ''}",
                options,
                index=options.index(self._guesses.get(field, NO_COLUMN)),
                format_func=lambda name: name or "not in this table",
                key=f"{self._id}_{field}",
                help=f"{meaning.meaning}{f' ({meaning.unit})' if meaning.unit else ''}",
            )
        return {field: name for field, name in chosen.items() if name}

    def source(self) -> str:
        """The name of these requests in the lake."""
        plain_name = re.sub(r"[^a-z0-9]+", "-", Path(self._file.name).stem.lower()).strip("-")
        name = st.text_input(
            "Name of the source",
            value=plain_name or "table",
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
                said = st.radio(
                    f"Does {plain(columns.get(whole, whole))} include the {words} in {plain(columns[part])}?",
                    list(YES_NO),
                    index=None,
                    format_func=YES_NO.__getitem__,
                    horizontal=True,
                    key=f"{self._id}_{key}",
                    help="OpenAI's input includes cache reads, Anthropic's and Bedrock's input includes neither reads nor writes.",
                )
                answers |= {} if said is None else {key: said}
        return answers

    def units(self, columns: dict[str, str]) -> dict[str, str]:
        """Units of time and money, where they are not the usual ones."""
        grid = st.grid(3, min_column_width=220, gap="small")
        time_unit = grid.selectbox(
            "Times that are plain numbers", list(TIME_UNITS), format_func=TIME_UNITS.__getitem__, key=f"{self._id}_time_unit",
            help="Since 1970. Times written out, such as 2026-11-23T14:32:00Z, need no unit.",
        )  # fmt: skip
        zone = grid.selectbox(
            "Zone of times without an offset",
            ["UTC", *(zone for zone in known_zones() if zone != "UTC")],
            key=f"{self._id}_timezone",
        )
        units = {"time_unit": None if time_unit == BY_SIZE else time_unit, "timezone": None if zone == "UTC" else zone}
        if "duration_ms" in columns or "ttft_ms" in columns:
            guess = ingest.guessed_duration_unit(columns.get("duration_ms", columns.get("ttft_ms", "")))
            units["duration_unit"] = self._unit(grid, "Unit of durations", DURATION_UNITS, guess, "duration_unit")
        if "reported_cost_usd" in columns:
            guess = ingest.guessed_cost_unit(columns["reported_cost_usd"])
            units["cost_unit"] = self._unit(grid, "Unit of costs", COST_UNITS, guess, "cost_unit")
        return {name: unit for name, unit in units.items() if unit is not None}

    def _unit(self, grid: Any, label: str, units: dict[str, str], guess: str, key: str) -> str:
        names = list(units)
        return grid.selectbox(label, names, index=names.index(guess), format_func=units.__getitem__, key=f"{self._id}_{key}")

    def numbers(self) -> dict[str, bool | list[str]]:
        """How numbers are written, and which words stand for none, where the table does not show it."""
        grid = st.grid(3, min_column_width=220, gap="small")
        style = grid.selectbox(
            "Numbers are written",
            list(NUMBER_STYLES),
            format_func=NUMBER_STYLES.__getitem__,
            key=f"{self._id}_decimal_comma",
            help="Where neither a column nor another shows how numbers are written, the file is refused until you say it here.",
        )
        words = grid.text_input(
            "Words for “no value”",
            key=f"{self._id}_no_value",
            placeholder="Included, not billed",
            help="Separated by commas. Empty cells, -, N/A, none and null need not be named.",
        )
        found = [word.strip() for word in (words or "").split(",") if word.strip()]
        said = {} if style == FOUND_OUT else {"decimal_comma": style == "true"}
        return {**said, **({"no_value": found} if found else {})}

    def constants(self, columns: dict[str, str]) -> dict[str, str]:
        """What is the same for all rows: the provider, which prices depend on."""
        if "provider" in columns:
            return {}
        provider = st.text_input(
            "Provider of all rows",
            key=f"{self._id}_provider_of_all",
            placeholder="openai, anthropic, azure, …",
            help="The table has no column for it. Without a provider a price is found only where a model's name belongs to one.",
            width=360,
        )
        return {"provider": provider.strip()} if provider and provider.strip() else {}

    def statuses(self, columns: dict[str, str]) -> dict[str, str]:
        """What the table's own words for an outcome mean, where they are not the usual ones."""
        if "status" not in columns:
            return {}
        words = ingest.unknown_statuses(self._file.path, columns["status"])[:MOST_STATUSES]
        if not words:
            return {}
        st.caption("What these words for the outcome mean. Rows with a word that means nothing are rejected.")
        grid = st.grid(3, min_column_width=220, gap="small")
        meant = {
            word: grid.selectbox(
                plain(word[:60]),
                ["success", "error", "cancelled"],
                index=None,
                key=f"{self._id}_status_{word}",
                placeholder="means …",
            )
            for word in words
        }
        return {word: outcome for word, outcome in meant.items() if outcome}

    def attributes(self, columns: dict[str, str]) -> list[str]:
        """Further columns that are kept."""
        rest = [name for name in self._file.columns if name not in columns.values()]
        if not rest:
            return []
        return st.multiselect(
            "Keep further columns",
            rest,
            key=f"{self._id}_attributes",
            placeholder="None: all others are left out",
            help="They are kept as attributes of the request. Leave out what may hold prompts or answers.",
        )
