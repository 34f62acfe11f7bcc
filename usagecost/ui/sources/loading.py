"""Loading files from the page: drop them, see in one list what they are, map what is unknown, load all with one click."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import streamlit as st

from usagecost import ingest
from usagecost.engine import UnansweredError, open_lake
from usagecost.ingest import Formats, MappingProblem, Report
from usagecost.lake import LakeError, lake_root
from usagecost.ui import address, viewing
from usagecost.ui.acts import act
from usagecost.ui.answers import problem_text
from usagecost.ui.frame import HOME_PAGE
from usagecost.ui.reader import may
from usagecost.ui.sources.listing import COUNTED_AT_ONCE, LoadableGroup, counts_text, list_files, run
from usagecost.ui.sources.plans import plan_of, remember
from usagecost.ui.sources.uploads import Uploads, current_uploads, discard, open_group, take_over, uploader_key
from usagecost.ui.tables import set_prices_link
from usagecost.ui.text import plain
from usagecost.vocabulary import formats

MOST_UPLOAD_MB = 200
MOST_PROBLEMS = 8
_OUTCOME = "_loaded"


def load_files() -> bool:
    """The whole way from dropped files to the lake, for who may load them. Returns whether files are waiting to be loaded."""
    if not may("load"):
        return False
    _say_what_was_done()
    known_formats = ingest.known_formats(open_lake(lake_root()))
    dropped = st.file_uploader(
        "**Drop log files here**, or choose them: CSV, TSV, JSON, JSON lines or Parquet, packed with gzip or zstd or not",
        accept_multiple_files=True,
        key=uploader_key(),
        max_upload_size=MOST_UPLOAD_MB,
        help="Several at once. Nothing is loaded before you say so. Larger files: `python -m usagecost ingest PATH …`",
    )
    if dropped:
        take_over(dropped, known_formats)
        _begin(known_formats)
    uploads = current_uploads()
    if uploads is None:
        titles = ", ".join(source.title for name, source in known_formats.sources.items() if name != "table")
        st.caption(f"Recognised by their content: {plain(titles)}. Any other table can be mapped. {_target_words()}")
        for problem in known_formats.problems[:MOST_PROBLEMS]:
            st.warning(plain(problem), icon=":material/block:")
        return False
    bar = st.container()
    loadable = list_files(uploads, known_formats)
    with bar:
        _load_or_discard(uploads, loadable)
    return True


def _begin(known_formats: Formats) -> None:
    """Shows the page with the files that were just taken; a single one that has to be mapped with its form."""
    uploads = current_uploads()
    groups = uploads.groups() if uploads else []
    if uploads and len(groups) == 1 and not groups[0].first.problem and plan_of(uploads, groups[0], known_formats) is None:
        open_group(groups[0].name)
    st.rerun()


def _target_words() -> str:
    return f"Files are loaded into {plain(lake_root())}."


def _say_what_was_done() -> None:
    """The report of the last load, once."""
    outcome: tuple[Report, bool] | None = st.session_state.pop(_OUTCOME, None)
    if outcome is None:
        return
    report, is_first = outcome
    words = (
        f"{formats.counted(report.inserted, 'new request')}, {formats.exact_count(report.updated)} changed, "
        f"{formats.exact_count(report.unchanged)} already there."
    )
    stepped_aside = " The app shows your own lake from now on." if is_first else ""
    if report.requests:
        st.success(f"{words}{stepped_aside}", title="Loaded", icon=":material/check_circle:")
        _lead_to_numbers(report)
    else:
        st.warning("No request could be read; the lake is as it was.", title="Nothing was loaded", icon=":material/block:")
    for problem in report.problems[:MOST_PROBLEMS]:
        st.caption(plain(problem))


def _lead_to_numbers(report: Report) -> None:
    """The way on: the page of numbers, at the newest days of what was loaded where the default range is later than that, and where
    some of it has no price, the one where prices are set.
    """
    if not report.oldest or not report.newest:
        return
    days: address.Query = {}
    first, newest = viewing.newest_days((report.oldest, report.newest), st.session_state["zone"])
    if datetime.now(UTC).date() - newest >= timedelta(days=viewing.DEFAULT_DAYS):
        days = {"range": [viewing.CUSTOM], "days": [str(first), str(newest)]}
    query = {**address.page_query(HOME_PAGE, viewing.choices()), **days}
    st.page_link("app.py", label="**Show the numbers**", icon=":material/bar_chart:", query_params=query)
    if report.unpriced:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Lower bound: {formats.counted(report.unpriced, 'request')} without a list price.", width="content")
            set_prices_link(days=days)


def _load_or_discard(uploads: Uploads, loadable: list[LoadableGroup]) -> None:
    """The one button that loads, and what it would do."""
    files = sum(len(group.files) for group, _, _ in loadable)
    left_out = len(uploads.files) - files
    reports = [report for _, _, report in loadable if report]
    total = Report(**{name: sum(getattr(report, name) for report in reports) for name in ("inserted", "updated", "unchanged")})
    words = [
        *([f"{formats.counted(sum(report.requests for report in reports), 'request')}: {counts_text(total)}"] if reports else []),
        *([f"{formats.counted(left_out, 'file')} left out, see below"] if left_out else []),
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="load_bar"):
        is_asked = st.button(
            f"Load {formats.counted(files, 'file')}" if files else "Load",
            type="primary",
            icon=":material/database_upload:",
            disabled=not files,
            key="load",
        )
        st.button("Discard", icon=":material/delete:", on_click=discard, key="discard")
        is_large = any(report is None for _, _, report in loadable)
        if is_large and st.button(
            "Count requests",
            icon=":material/fact_check:",
            key="count",
            help=f"Files of more than {COUNTED_AT_ONCE >> 20} MB are not counted before they are loaded unless you ask.",
        ):
            uploads.counts_all = True
            st.rerun()
        st.caption(" ".join([*(f"{one}." for one in words), _target_words()]), width="content")
    if is_asked:
        _load(loadable)


def _load(loadable: list[LoadableGroup]) -> None:
    """Loads the files as one version, remembers their mappings, and shows the page anew."""
    lake = open_lake(lake_root())
    is_first = not lake.exists
    try:
        names = ", ".join(file.name for group, _, _ in loadable for file in group.files)
        planned = [(group, plan) for group, plan, _ in loadable]
        report = act(
            "load",
            f"files {names}",
            lambda: run(planned, lake, st, dry_run=False),
            says=lambda loaded: loaded.summary,
        )
    except (LakeError, UnansweredError) as problem:
        st.warning(plain(problem_text(problem)), title="Nothing was loaded", icon=":material/cloud_off:")
        return
    try:
        for _, plan, _ in loadable:
            if plan.keys:
                act("load", f"mapping {plan.source.name}", partial(remember, plan), after=plan.name)
    except (LakeError, MappingProblem) as problem:
        report = replace(report, problems=(*report.problems, f"The mapping is not remembered: {problem}"))
    discard()
    st.session_state[_OUTCOME] = (report, is_first and report.version > 0)
    st.rerun()
