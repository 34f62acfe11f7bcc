"""Loading files from the page: drop, see what they are and how they would be read, map what is unknown, load."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import streamlit as st

from usagecost import ingest, queries
from usagecost.engine import UnansweredError, open_lake
from usagecost.ingest import FileProblem, Formats, Preview, Report
from usagecost.lake import Lake, LakeError, lake_root
from usagecost.ui import address, viewing
from usagecost.ui.answers import answer
from usagecost.ui.frame import HOME_PAGE
from usagecost.ui.sources.plans import Plan, plan_of
from usagecost.ui.sources.previews import show_preview
from usagecost.ui.sources.uploads import Group, Uploads, current_uploads, discard, take_over, uploader_key
from usagecost.ui.spend import set_prices_link
from usagecost.ui.text import plain
from usagecost.vocabulary import formats

MOST_UPLOAD_MB = 200
CHECKED_AT_ONCE = 16 << 20
"""Bytes that are checked without being asked to."""

MOST_NAMES, MOST_PROBLEMS = 5, 8
_DONE = "_loaded"


def load_files() -> None:
    """The whole way from dropped files to the lake."""
    _say_what_was_done()
    known = ingest.known_formats(open_lake(lake_root()))
    given = st.file_uploader(
        "Log files: CSV, TSV, JSON, JSON lines or Parquet, packed with gzip or zstd or not",
        accept_multiple_files=True,
        key=uploader_key(),
        max_upload_size=MOST_UPLOAD_MB,
        help="Several at once. Nothing is loaded before you say so. Larger files: `python -m usagecost ingest PATH …`",
    )
    if given:
        take_over(given, known)
        st.rerun()
    uploads = current_uploads()
    if uploads is None:
        titles = ", ".join(source.title for name, source in known.sources.items() if name != "table")
        st.caption(f"Recognised by their content: {plain(titles)}. Any other table can be mapped. {_target_words()}")
        _say_problems(known)
        return
    plans: dict[Path, Plan] = {}
    for group in uploads.groups():
        plan = _group(uploads, group, known)
        plans |= {file.path: plan for file in group.files} if plan else {}
    _load_or_discard(uploads, plans)


def _say_problems(known: Formats) -> None:
    for problem in known.problems[:MOST_PROBLEMS]:
        st.warning(plain(problem), icon=":material/block:")


def _target_words() -> str:
    return f"Files are loaded into {plain(lake_root())}."


def _say_what_was_done() -> None:
    """The report of the last load, once."""
    done: tuple[Report, bool] | None = st.session_state.pop(_DONE, None)
    if done is None:
        return
    report, is_first = done
    words = (
        f"{formats.counted(report.inserted, 'new request')}, {formats.exact_count(report.updated)} changed, "
        f"{formats.exact_count(report.unchanged)} already there."
    )
    stepped_aside = " The app shows your own lake from now on." if is_first else ""
    if report.requests:
        st.success(f"{words}{stepped_aside}", title="Loaded", icon=":material/check_circle:")
        _lead_to_numbers(report.unpriced)
    else:
        st.warning("No request could be read; the lake is as it was.", title="Nothing was loaded", icon=":material/block:")
    for problem in report.problems[:MOST_PROBLEMS]:
        st.caption(plain(problem))


def _lead_to_numbers(unpriced: int) -> None:
    """The way on: the page of numbers, at the days of the newest data where the default range is later than that, and where
    some of what was loaded has no price, the one where prices are set.
    """
    lake = open_lake(lake_root())
    span = answer(queries.data_span, lake.name, lake.version())
    if span:
        days: address.Query = {}
        first, newest = viewing.newest_days(span, st.session_state["zone"])
        if datetime.now(UTC).date() - newest >= timedelta(days=viewing.DEFAULT_DAYS):
            days = {"range": [viewing.CUSTOM], "days": [str(first), str(newest)]}
        query = {**address.of_page(HOME_PAGE, viewing.choices()), **days}
        st.page_link("app.py", label="**Show the numbers**", icon=":material/bar_chart:", query_params=query)
        if unpriced:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(f"Lower bound: {formats.counted(unpriced, 'request')} without a list price.", width="content")
                set_prices_link(days=days)


def _group(uploads: Uploads, group: Group, known: Formats) -> Plan | None:
    """A group of files: what they are, how they are read, and how that looks. None where they cannot be read yet."""
    with st.container(border=True, key=f"group_{group.name}"):
        names = ", ".join(file.name for file in group.files[:MOST_NAMES])
        more = f" and {len(group.files) - MOST_NAMES:,} more" if len(group.files) > MOST_NAMES else ""
        st.markdown(f"**{plain(names)}**{more} · {_size(sum(file.bytes for file in group.files))}")
        if group.first.problem:
            st.warning(plain(group.first.problem), icon=":material/block:")
            return None
        plan = plan_of(group, known)
        if plan is not None:
            _show(uploads, group, plan)
        return plan


def _show(uploads: Uploads, group: Group, plan: Plan) -> None:
    """The preview, which is made once for each way to read the files."""
    key = (group.first.path, plan.name)
    if key not in uploads.previews:
        with st.spinner("Reading the first rows …"):
            try:
                lake = open_lake(lake_root())
                uploads.previews[key] = ingest.preview(group.first.path, group.first.name, plan.source, lake)
            except FileProblem as problem:
                uploads.previews[key] = problem.sentence
    shown = uploads.previews[key]
    if isinstance(shown, Preview):
        show_preview(shown, plan.counts, group.name)
    else:
        st.warning(plain(shown), icon=":material/block:")


def _load_or_discard(uploads: Uploads, plans: dict[Path, Plan]) -> None:
    """What loading would do, and the buttons."""
    lake = open_lake(lake_root())
    if plans:
        with st.container(border=True, key="whole"):
            st.markdown(f"**What loading does** · {formats.counted(len(plans), 'file')}")
            _check(uploads, plans, lake)
    left_out = [file.name for file in uploads.files if file.path not in plans]
    if left_out and plans:
        more = f" and {len(left_out) - MOST_NAMES:,} more" if len(left_out) > MOST_NAMES else ""
        st.caption(f"Left out, as they cannot be read yet: {plain(', '.join(left_out[:MOST_NAMES]))}{more}.")
    with st.container(horizontal=True, vertical_alignment="center"):
        is_asked = st.button("Load", icon=":material/database_upload:", disabled=not plans, key="load")
        st.button("Discard", icon=":material/delete:", on_click=discard, key="discard")
        st.caption(_target_words(), width="content")
    if is_asked:
        _load(uploads, plans, lake)


def _check(uploads: Uploads, plans: dict[Path, Plan], lake: Lake) -> None:
    """Reads all lines and compares them with the lake; much of it only when asked to."""
    try:
        key = (tuple((path, plan.name) for path, plan in plans.items()), lake.name, lake.version() if lake.exists else None)
        if uploads.checked is None or uploads.checked[0] != key:
            if uploads.bytes > CHECKED_AT_ONCE and not st.button("Check all lines", icon=":material/fact_check:", key="check"):
                st.caption("New, changed and rejected lines are counted when you check or load the files.")
                return
            report = _run(plans, uploads, lake, dry_run=True)
            uploads.checked = (key, report)
    except (LakeError, UnansweredError) as problem:
        st.warning(plain(str(problem)), title="The lake cannot be read right now", icon=":material/cloud_off:")
        return
    _numbers(uploads.checked[1])


def _numbers(report: Report) -> None:
    """What would become of the lines."""
    grid = st.grid(6, min_column_width=130, gap="small")
    for label, number, help_text in (
        ("New", report.inserted, "Requests that the lake does not have"),
        ("Changed", report.updated, "Requests of which the lake has an earlier version"),
        ("Already there", report.unchanged, "Requests that the lake has as they are, or in a later version: they count once"),
        ("Repeated", report.duplicates, "Further lines about a request in these files: they count once"),
        ("No requests", report.skipped, "Lines that are by the format no requests, such as headers and prompts"),
        ("Rejected", report.rejected, "Lines that cannot be read; they are kept with their reason"),
    ):
        grid.metric(label, formats.exact_count(number), help=help_text, border=True)
    if report.skipped:
        st.caption(plain(f"No requests: {', '.join(f'{count:,} {reason}' for reason, count in report.skipped_reasons.items())}."))
    if report.unpriced:
        st.caption(f"{formats.counted(report.unpriced, 'request')} would have no list price: unknown model, or no provider.")
    for problem in report.problems[:MOST_PROBLEMS]:
        st.caption(plain(problem))


def _load(uploads: Uploads, plans: dict[Path, Plan], lake: Lake) -> None:
    """Loads the files as one version, and shows the page anew."""
    is_first = not lake.exists
    try:
        report = _run(plans, uploads, lake, dry_run=False)
    except LakeError as problem:
        st.warning(plain(str(problem)), title="Nothing was loaded", icon=":material/cloud_off:")
        return
    discard()
    st.session_state[_DONE] = (report, is_first and report.version > 0)
    st.rerun()


def _run(plans: dict[Path, Plan], uploads: Uploads, lake: Lake, *, dry_run: bool) -> Report:
    names = {file.path: file.name for file in uploads.files}
    bar = st.progress(0.0, text="Reading")
    report = ingest.ingest_copies(
        {path: plan.source for path, plan in plans.items()}, names, lake, dry_run=dry_run, on_progress=_shown_on(bar)
    )
    bar.empty()
    return report


def _shown_on(bar: Any) -> Callable[[float, str], None]:
    return lambda share, words: bar.progress(min(share, 1.0), text=words)


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
