"""What the price file holds, entry by entry, each of which can be corrected, ended from a day on, and removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.engine import open_lake
from usagecost.lake import Lake, LakeError
from usagecost.pricebook import add_entry, change_entry, current_book, entries
from usagecost.pricing import BookProblem, Written, days_held, entry_text, written_entries
from usagecost.ui import going
from usagecost.ui.acts import try_write
from usagecost.ui.answers import empty
from usagecost.ui.blocks import heading, table, unselect
from usagecost.ui.prices.form import RATES, Draft, entry_form, fits_form, problem_of
from usagecost.ui.prices.repricing import ask_for_preview, say_entry_was_written
from usagecost.ui.reader import may
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import rate

EDIT, END, REMOVE = "Edit", "End", "Remove"
_PLACE = "own prices"


def own_prices(view: View) -> None:
    """A table of the entries in the order of the file, and the dialog of the one that the URL names."""
    say_entry_was_written(_PLACE, "entry_reprice", _go_to_repricing)
    lake = open_lake(view.lake)
    current = current_book(lake)
    try:
        file_entries = entries(lake)
    except (BookProblem, LakeError) as problem:
        sentence = f"{current.place}, {problem} Correct it in the file, then refresh."
        st.warning(plain(sentence), title="The price file has an error", icon=":material/menu_book:")
        return
    if not file_entries:
        empty("No own prices yet", "Set a price, an alias or a discount on the tab Set a price, and it is listed here.")
        st.caption(f"Price file: {plain(current.place)}")
        return
    today = datetime.now(UTC).date()
    entry_rows = pd.DataFrame([_entry_row(file_entries, number, today) for number in range(len(file_entries))])
    heading(
        "Own prices",
        lambda: entry_rows,
        name="own-prices",
        help="Of each kind the last entry that fits a request's provider, model and UTC day holds. Rates: USD per million tokens.",
    )
    can_change = " Click a row to edit, end or remove the entry." if may("price") else ""
    st.caption(f"Price file: {plain(current.place)}.{can_change}")
    rates = {name: st.column_config.NumberColumn(label, width=80) for name, label in RATES.items()}
    table(
        entry_rows,
        name="own",
        columns={
            "model": st.column_config.TextColumn("Model", width=170, help="A name, or a pattern with *."),
            "provider": st.column_config.TextColumn("Provider", width=90),
            "kind": st.column_config.TextColumn("Kind", width=72),
            "says": st.column_config.TextColumn("Details", width=150),
            "from": st.column_config.DateColumn("From", format="YYYY-MM-DD", width=92, help="First UTC day. None: for all time."),
            "until": st.column_config.DateColumn(
                "Until", format="YYYY-MM-DD", width=92, help="Last UTC day: its own, or that before a later entry of the model."
            ),
            "state": st.column_config.TextColumn("State", width=76),
            **{name: rates[name] for name in RATES if entry_rows[name].notna().any()},
            "note": st.column_config.TextColumn("Note", width=200),
        },
        alt_text="Entries of the price file with what they are about, their days, rates and notes",
        on_select=_open if may("price") else None,
        texts=dict.fromkeys(rates, rate),
    )
    number = int(st.session_state["entry"] or 0)
    if may("price") and 1 <= number <= len(file_entries):
        _dialog(lake, file_entries, number - 1, today)


def _open(row: int) -> None:
    st.session_state["entry"] = row + 1


def _close() -> None:
    st.session_state["entry"] = None
    unselect("table_own")


def _entry_row(file_entries: Sequence[Written], number: int, today: date) -> dict[str, Any]:
    file_entry, days = file_entries[number], days_held(file_entries, number)
    values = file_entry.entry.model_dump()
    first, last = days or (file_entry.entry.since, file_entry.entry.until)
    return {
        "model": file_entry.entry.model,
        "provider": file_entry.entry.provider or "any",
        "kind": "Ends" if values.get("ended") else "Free" if values.get("free") else file_entry.kind.capitalize(),
        "says": _effect(file_entry, values),
        "from": first,
        "until": last,
        "state": _state(days, today),
        **{name: None if values.get(name) is None else float(values[name]) for name in RATES},
        "note": file_entry.note or values.get("source") or "",
    }


def _effect(file_entry: Written, values: dict[str, Any]) -> str:
    """What an entry says beside its rates."""
    if values.get("ended"):
        return f"{file_entry.kind} ends: list price"
    if file_entry.kind == "alias":
        return f"stands for {values['stands_for']}"
    if file_entry.kind == "discount":
        return f"{values['percent'].normalize():f} % off list prices"
    if file_entry.kind == "factor":
        ways = {name: values[name] for name in ("service_tier", "speed", "inference_region") if values[name]}
        factor = "later list price" if values["factor"] is None else f"× {values['factor'].normalize():f}"
        return f"{', '.join(ways.values()) or 'batch'}: {factor}"
    other_keys = file_entry.entry.model_fields_set - {"model", "provider", "since", "until", "free", *RATES}
    return f"also {', '.join(sorted(other_keys))}" if other_keys else ""


def _state(days: tuple[date | None, date | None] | None, today: date) -> str:
    if days is None:
        return "Replaced"
    first, last = days
    return "Upcoming" if first and first > today else "Past" if last and last < today else "In force"


@st.dialog("Entry of the price file", width="large", icon=":material/edit_note:", on_dismiss=_close)
def _dialog(lake: Lake, file_entries: Sequence[Written], number: int, today: date) -> None:
    file_entry, days = file_entries[number], days_held(file_entries, number)
    values = file_entry.entry.model_dump()
    st.markdown(
        f"**{plain(file_entry.entry.provider or 'any provider')} / {plain(file_entry.entry.model)}** · {plain(file_entry.kind)}"
    )
    can_end = file_entry.kind != "factor" and not values["ended"] and days is not None and _state(days, today) != "Past"
    act = st.segmented_control("Act", [EDIT, *([END] if can_end else []), REMOVE], default=EDIT, required=True, key="entry_act")
    key = f"entry {number} {hash(file_entry.text)}"
    if act == EDIT:
        draft = _edit_entry(file_entry, key)
        reason = draft.reason or ("Nothing is changed yet." if _equals_entry(draft.entry, file_entry) else None)
        help_text = "Corrects the entry itself, for all its days. For a new price from a day on, set a price instead."
        _button("Save correction", _change, (lake, file_entry, draft.entry), help_text, reason)
    elif act == END:
        day = st.date_input("First day without it (UTC)", today, key=f"{key}_end", min_value=file_entry.entry.since, width=240)
        keys = {"provider": file_entry.entry.provider, "model": file_entry.entry.model, "from": day, "ended": True}
        ending = entry_text(file_entry.kind, keys, f"ended on {today}")
        st.code(ending, language="toml", wrap_lines=True)
        help_text = "Added to the price file; the entry is kept, and from that day on the price list holds."
        _button("End entry", _end, (lake, file_entry, ending), help_text, None if day else "Choose a day.")
    else:
        st.code(file_entry.text, language="toml", wrap_lines=True)
        help_text = "Takes these lines out of the price file, for all days. To stop a price from a day on, end it instead."
        _button("Remove entry", _change, (lake, file_entry, ""), help_text, None)


def _button(label: str, act: Any, args: tuple[Any, ...], help_text: str, reason: str | None) -> None:
    """The button that does it, with what it does in words, or why it cannot be done yet."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        is_done = st.button(label, type="primary", key="entry_save", disabled=reason is not None, on_click=act, args=args)
        st.caption(plain(reason or help_text), width="content")
    if is_done:
        st.rerun()


def _equals_entry(entry: str, file_entry: Written) -> bool:
    """Whether a good draft says what the entry says already; in the form its layout does not count."""
    if not fits_form(file_entry):
        return entry.strip() == file_entry.text.strip()
    return [(new.entry, new.note) for new in written_entries(entry)] == [(file_entry.entry, file_entry.note)]


def _edit_entry(file_entry: Written, key: str) -> Draft:
    """The entry in the form, or as text where the form does not have all that it says."""
    if not fits_form(file_entry):
        text = st.text_area(
            "Entry", file_entry.text.strip(), key=f"{key}_text", height=240, help="TOML, as it stands in the price file."
        )
        return Draft(text, problem_of(text) or (None if written_entries(text) else "Write an entry, or remove this one."))
    left_column, right_column = st.columns(2)
    provider = left_column.text_input(
        "Provider", file_entry.entry.provider or "", key=f"{key}_provider", placeholder="any", live=True
    )
    model = right_column.text_input(
        "Model", file_entry.entry.model, key=f"{key}_model", help="A name, or a pattern with *.", live=True
    )
    return entry_form(provider.strip() or None, model.strip(), key, old=file_entry)


def _change(lake: Lake, old: Written, entry: str) -> None:
    _close()
    outcome, after = ("Entry corrected", entry.strip()) if entry else ("Entry removed", None)
    try_write(
        _PLACE, "price", _entry_name(old), lambda: change_entry(lake, old, entry), outcome, before=old.text.strip(), after=after
    )


def _end(lake: Lake, file_entry: Written, ending: str) -> None:
    _close()
    entry_name = _entry_name(file_entry)
    try_write(
        _PLACE,
        "price",
        entry_name,
        lambda: add_entry(lake, ending),
        "Entry ended",
        before=file_entry.text.strip(),
        after=ending.strip(),
    )


def _entry_name(file_entry: Written) -> str:
    return f"an entry of the price file for {'/'.join(filter(None, (file_entry.entry.provider, file_entry.entry.model)))}"


def _go_to_repricing() -> None:
    going.to_part("Reprice")
    ask_for_preview()
