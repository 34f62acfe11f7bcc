"""The form of one entry of the price file: what is typed becomes TOML, or a sentence that says what is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import streamlit as st

from usagecost.pricing import BookProblem, Written, entry_text, listed_models, parse_book

SET, ALIAS, FREE, DISCOUNT = KINDS = ("Set price", "Alias of", "Free", "Discount")
THIS, WHOLE = "This model", "Everything of its provider"
RATES = {
    "input": "Input",
    "output": "Output",
    "cache_read": "Cache read",
    "cache_write": "Cache write",
    "cache_write_1h": "Cache write 1 h",
    "output_reasoning": "Reasoning",
}
"""The rates that the form offers, in USD for a million tokens. Tiers and other rates are for who writes the file."""
NOT_CHANGED = "The price file was not changed"
_FORM_KEYS = {"provider", "model", "since", "until", "free", "stands_for", "percent", *RATES}


@dataclass(frozen=True)
class Draft:
    """What a form says: an entry as TOML, and why it cannot be saved yet; None: it can."""

    entry: str
    reason: str | None


def fits_form(file_entry: Written) -> bool:
    """Whether the form can show all that an entry says, with no comment but the note."""
    return "#" not in file_entry.body and file_entry.kind != "factor" and file_entry.entry.model_fields_set <= _FORM_KEYS


def entry_form(provider: str | None, model: str, key: str, *, old: Written | None = None, since: date | None = None) -> Draft:
    """The form of an entry for a provider (None: all) and model. ``old`` is the entry that it corrects, ``since`` the first day
    that it proposes, ``key`` the beginning of its widgets' keys.
    """
    values = old.entry.model_dump() if old else {}
    st.session_state.setdefault(f"{key}_from", values.get("since", since))
    st.session_state.setdefault(f"{key}_note", old.note if old else f"set on {datetime.now(UTC):%Y-%m-%d}")
    kind = st.radio("Price", KINDS, index=KINDS.index(_kind_of(old)), key=f"{key}_kind", horizontal=True)
    keys: dict[str, Any] = {"provider": provider, "model": model}
    own_keys, reasons = _keys_of_kind(kind, values, provider, key)
    if own_keys.pop("whole", False):
        del keys["model"]
    with st.container(horizontal=True, gap="small"):
        first = st.date_input("From (UTC day)", None, key=f"{key}_from", help="Empty: for all time.", width=190)
        last = st.date_input("Until", values.get("until"), key=f"{key}_until", help="Empty: until a later entry begins.", width=190)
        note = st.text_input("Note", key=f"{key}_note", placeholder="contract, source …", live=True, width=320)
    days = {"from": first, "until": last}
    entry = entry_text(_TABLES[kind], {**keys, **days, **own_keys}, note)
    return Draft(entry, next(iter(reasons), None) or problem_of(entry))


_TABLES = {SET: "price", FREE: "price", ALIAS: "alias", DISCOUNT: "discount"}


def problem_of(entry: str) -> str | None:
    """What is wrong with an entry alone, without its line; None if nothing is."""
    try:
        parse_book(entry)
    except BookProblem as problem:
        sentence = re.sub(r"^line \d+, ", "", str(problem))
        return sentence[0].upper() + sentence[1:]
    return None


def _kind_of(old: Written | None) -> str:
    if old is None or old.kind == "price":
        return FREE if old and old.entry.model_dump()["free"] else SET
    return ALIAS if old.kind == "alias" else DISCOUNT


def _keys_of_kind(kind: str, values: dict[str, Any], provider: str | None, key: str) -> tuple[dict[str, Any], list[str]]:
    """The keys that only one kind of entry has, and what is missing or wrong in them."""
    if kind == FREE:
        return {"free": True}, []
    if kind == ALIAS:
        listed = values.get("stands_for")
        options = list(dict.fromkeys([*([listed] if listed else []), *listed_models()]))
        target = st.selectbox(
            "Stands for", options, index=0 if listed else None, key=f"{key}_means", placeholder="Search the price list", width=480
        )
        return {"stands_for": target}, [] if target else ["Choose the listed model that it stands for."]
    if kind == DISCOUNT:
        scope = st.radio("Of", [THIS, WHOLE], key=f"{key}_scope", horizontal=True) if provider and "percent" not in values else THIS
        percent, wrong = _amount("Percent off list prices", f"{key}_percent", values.get("percent"), st.container())
        reasons = [*wrong, *([] if percent or wrong else ["Enter a percentage above 0."])]
        return {"percent": percent, "whole": scope == WHOLE}, reasons
    return _rates(values, key)


def _rates(values: dict[str, Any], key: str) -> tuple[dict[str, Any], list[str]]:
    st.caption("USD per million tokens. Empty: billed as what contains it, cache reads and writes as input, reasoning as output.")
    grid = st.grid(len(RATES), min_column_width=130, gap="small")
    amounts = {name: _amount(label, f"{key}_{name}", values.get(name), grid) for name, label in RATES.items()}
    rates = {name: rate for name, (rate, _) in amounts.items()}
    wrong = [sentence for _, problems in amounts.values() for sentence in problems]
    is_empty = all(rate is None for rate in rates.values())
    return rates, [*wrong, *(["Enter at least one rate."] if is_empty and not wrong else [])]


def _amount(label: str, key: str, value: Decimal | None, container: Any) -> tuple[Decimal | None, list[str]]:
    """A decimal that is typed, exact; None where it is empty, with a sentence where it is no number."""
    typed = container.text_input(
        label, "" if value is None else f"{value:f}", key=key, placeholder="0.00", live=True, width="stretch"
    )
    text = typed.strip().removeprefix("$")
    if not text:
        return None, []
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None, [f"{label}: write a number with a point, such as 0.15."]
    return (amount, []) if amount.is_finite() else (None, [f"{label}: write a number, such as 0.15."])
