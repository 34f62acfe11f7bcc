"""What was loaded, ingest by ingest, and taking requests out again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import queries
from usagecost.engine import UnansweredError, open_lake
from usagecost.lake import LakeError, Removal, Selection
from usagecost.ui.acts import act
from usagecost.ui.answers import answer, empty, problem_text
from usagecost.ui.blocks import heading
from usagecost.ui.frame import is_sample
from usagecost.ui.reader import may
from usagecost.ui.text import plain
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

PAGE = 10
MOST_NAMES, MOST_CHARACTERS, MOST_REASONS = 3, 60, 3
BY = {"ingest": "of one ingest", "user": "of one user", "before": "sent before a day"}
_OPEN_REMOVAL, _REMOVED = "_to_remove", "_removed"


def history(view: View) -> None:
    """The ingests, the newest first, each with its report and its removal; then removals by user and by age."""
    _say_what_was_removed()
    rows = answer(queries.sources.ingests, view.lake, view.version)
    heading(
        "What was loaded",
        lambda: pd.DataFrame(rows),
        name="ingests",
        help="An ingest is one commit. A request counts for the ingest that wrote its present version.",
    )
    if not rows:
        empty("Nothing was loaded yet", "Drop log files above, and each load will be listed here.")
    pages = -(-len(rows) // PAGE)
    page = st.pagination(pages, key="ingests_page") if pages > 1 else 1
    for row in rows[(page - 1) * PAGE : page * PAGE]:
        _ingest(row, view)
    _removals(view)
    if may("remove") and not is_sample(view.lake):
        _erase_or_retire(view)
    if selection := st.session_state.get(_OPEN_REMOVAL):
        _removal_dialog(view.lake, view.period.zone, *selection)


def _ingest(row: dict[str, Any], view: View) -> None:
    at = row["time"].astimezone(ZoneInfo(view.period.zone))
    with st.container(border=True, key=f"ingest_{row['id'][:32]}"):
        text_column, button_column = st.columns([5, 1], vertical_alignment="center")
        with text_column:
            st.markdown(f"**{at:%Y-%m-%d %H:%M:%S}**, {plain(view.period.zone)} · {_report(row)}")
            st.caption(f"{plain(_files(row['paths']))} · id {plain(row['id'])}")
        if may("remove"):
            button_column.button(
                "Remove…",
                key=f"remove_{row['id']}",
                icon=":material/undo:",
                disabled=not row["requests"] or is_sample(view.lake),
                on_click=_open_dialog,
                args=[Selection(ingest=row["id"]), f"of the ingest of {at:%Y-%m-%d %H:%M}"],
                width="stretch",
                help="Take the requests out again that this ingest brought, after a preview",
            )


def _files(paths: str | None) -> str:
    """The names of the files of an ingest, as many as fit."""
    if not paths:
        return "files unknown"
    names = [path.rpartition("/")[2] for path in paths.split(", ")]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(name[:MOST_CHARACTERS] for name in names[:MOST_NAMES])}{more}"


def _report(row: dict[str, Any]) -> str:
    """What an ingest did, in words."""
    in_lake = f"{formats.counted(row['requests'], 'request')} in the lake"
    if row["lines"] is None:
        return in_lake
    counts = {"new": row["inserted"], "changed": row["updated"], "already there": row["unchanged"], "skipped": row["skipped"]}
    parts = [f"{formats.exact_count(number)} {name}" for name, number in counts.items() if number]
    reasons = json.loads(row["skipped_reasons"] or "{}")
    if reasons:
        parts = [part for part in parts if not part.endswith(" skipped")]
        most = sorted(reasons.items(), key=lambda reason: -reason[1])[:MOST_REASONS]
        reason_texts = ", ".join(f"{formats.exact_count(count)} {plain(reason)}" for reason, count in most)
        more = f", and for {len(reasons) - MOST_REASONS} other reasons" if len(reasons) > MOST_REASONS else ""
        parts.append(f"{formats.exact_count(row['skipped'])} skipped ({reason_texts}{more})")
    rejected = [f":red[{formats.exact_count(row['rejected'])} rejected]"] if row["rejected"] else []
    return " · ".join([in_lake, f"{formats.counted(row['lines'], 'line')} read", *parts, *rejected])


def _removals(view: View) -> None:
    """What was taken out, without saying whose it was."""
    rows = answer(queries.sources.removals, view.lake, view.version)
    for row in rows[:PAGE]:
        at = row["time"].astimezone(ZoneInfo(view.period.zone))
        selections = " and ".join(BY[name] for name in row["by"] if name in BY)
        st.caption(f":material/undo: {at:%Y-%m-%d %H:%M:%S} · {formats.counted(row['requests'], 'request')} {selections} removed")


def _erase_or_retire(view: View) -> None:
    st.header(
        "Erase or retire",
        anchor=False,
        help="Takes requests out for good reasons: a person asks to be forgotten, or what is old is not to be kept.",
    )
    erase, retire = st.columns(2, gap="medium")
    with erase.container(border=True, horizontal=True, vertical_alignment="bottom"):
        user = st.text_input("All requests of a user", placeholder="The user's id, exactly as in the logs", key="erase_user")
        st.button(
            "Remove…", key="erase", icon=":material/person_remove:", disabled=not user.strip(), on_click=_open_dialog,
            args=[Selection(user=user), "of this user"] if user.strip() else None,
        )  # fmt: skip
    with retire.container(border=True, horizontal=True, vertical_alignment="bottom"):
        day = st.date_input("All requests sent before", value=None, key="retire_before", format="YYYY-MM-DD")
        start = datetime.combine(day, time(), ZoneInfo(view.period.zone)) if day else datetime(1970, 1, 1, tzinfo=UTC)
        st.button(
            "Remove…", key="retire", icon=":material/auto_delete:", disabled=not day, on_click=_open_dialog,
            args=[Selection(before=start), f"sent before {start:%Y-%m-%d}, {view.period.zone}"],
        )  # fmt: skip


def _open_dialog(selection: Selection, words: str) -> None:
    st.session_state[_OPEN_REMOVAL] = (selection, words)


def _close_dialog() -> None:
    st.session_state.pop(_OPEN_REMOVAL, None)


@st.dialog("Remove requests", icon=":material/undo:", on_dismiss=_close_dialog)
def _removal_dialog(lake: str, zone: str, selection: Selection, words: str) -> None:
    """What would go, and the question."""
    if not may("remove"):
        _close_dialog()
        st.rerun()
    try:
        with st.spinner("Counting …"):
            removal = open_lake(lake).removal(selection)
        st.markdown(f"**{formats.counted(removal.requests, 'request')}** {plain(words)}")
        if removal.is_nothing:
            st.info("The lake holds no such requests.", icon=":material/inbox:")
            return
        st.markdown("\n".join(f"- {plain(fact)}" for fact in _facts(removal, zone)))
        texts = open_lake(lake).texts_naming(selection.person) if selection.person else []
        if texts:
            st.warning(plain(f"{', '.join(texts)}: take them out there yourself."), title="Files of people name this user")
        st.caption(
            "Readers see all of them or none. Older versions of the lake still hold them, until the command doctor "
            "with --repair removes the files of versions older than a week for good."
        )
        label = f"Remove {formats.counted(removal.requests, 'request')}" if removal.requests else "Remove"
        if st.button(label, icon=":material/delete:", key="confirm"):
            with st.spinner("Removing …"):
                what = f"requests {'of a user' if selection.person else words}"
                st.session_state[_REMOVED] = act(
                    "remove", what, lambda: open_lake(lake).remove(selection), says=lambda removed: removed.summary
                )
            _close_dialog()
            st.rerun()
    except (LakeError, UnansweredError, OSError) as problem:
        st.warning(plain(problem_text(problem)), title="Nothing was removed", icon=":material/cloud_off:")


def _facts(removal: Removal, zone: str) -> list[str]:
    """What is known of what would go."""
    facts = []
    if removal.first and removal.last:
        first, last = (datetime.fromisoformat(text).astimezone(ZoneInfo(zone)) for text in (removal.first, removal.last))
        unknown = f", and {formats.exact_count(removal.unpriced)} of unknown cost" if removal.unpriced else ""
        facts += [
            f"sent {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}, {zone}",
            *([f"by {formats.counted(removal.users, 'user')}"] if removal.users else []),
            f"spend {formats.usd(removal.spend_usd)}{unknown}",
        ]
    return [*facts, *([f"also removed from {removal.beside_summary}"] if removal.beside else [])]


def _say_what_was_removed() -> None:
    removal = st.session_state.pop(_REMOVED, None)
    if removal is not None:
        st.success(f"Removed: {removal.summary}.", icon=":material/check_circle:")
