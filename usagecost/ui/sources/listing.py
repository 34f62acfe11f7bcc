"""The files that were handed over, as one list: what each was recognised as, how many requests it has, what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from usagecost import ingest
from usagecost.engine import UnansweredError, open_lake
from usagecost.ingest import FileProblem, Formats, Preview, Report
from usagecost.lake import Lake, LakeError, lake_root
from usagecost.periods.words import days_text
from usagecost.ui.answers import problem_text
from usagecost.ui.sources.plans import can_be_mapped, choose_plan, plan_of
from usagecost.ui.sources.previews import show_preview
from usagecost.ui.sources.uploads import Group, Plan, Uploads, open_group
from usagecost.ui.text import plain
from usagecost.vocabulary import formats

COUNTED_AT_ONCE = 16 << 20
"""Bytes of a group's files that are read whole without being asked to."""
MOST_NAMES, MOST_PROBLEMS = 3, 3

LoadableGroup = tuple[Group, Plan, Report | None]
"""Files that can be loaded, how, and what loading them would do; None where that takes long and nobody has asked."""


def list_files(uploads: Uploads, formats: Formats) -> list[LoadableGroup]:
    """Draws a row for each group of files, with the preview and mapping of the one that is open; returns what can be loaded."""
    loadable = []
    lake = open_lake(lake_root())
    try:
        version = lake.version() if lake.exists else None
    except LakeError as problem:
        st.warning(plain(problem_text(problem)), title="The lake cannot be read right now", icon=":material/cloud_off:")
        return []
    for group in uploads.groups():
        with st.container(border=True, key=f"group_{group.name}"):
            text_column, button_column = st.columns([5, 1], vertical_alignment="center")
            row = text_column.container(gap="xsmall")
            if group.name == uploads.opened:
                plan = uploads.plans[group.name] = choose_plan(uploads, group, formats)
                if plan:
                    _show(uploads, group, plan, lake)
            else:
                plan = None if group.first.problem else plan_of(uploads, group, formats)
            report = _report(uploads, group, plan, lake, version, row) if plan else None
            with row:
                _row(group, plan, report, is_open=group.name == uploads.opened)
            with button_column:
                _button(uploads, group, plan, formats)
            if plan and (report is None or report.requests):
                loadable.append((group, plan, report))
    return loadable


def _row(group: Group, plan: Plan | None, report: Report | None, *, is_open: bool) -> None:
    """What the files are, and what loading them would do, in words."""
    names = ", ".join(display_name(file.name) for file in group.files[:MOST_NAMES])
    more = f" and {len(group.files) - MOST_NAMES:,} more" if len(group.files) > MOST_NAMES else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(names)}**{more} · {_size(group.bytes)}", width="content")
        _badge(group, plan, report)
    if plan:
        st.caption(" · ".join([plain(plan.source.title), *(_counts(report) if report else ["not counted yet"])]))
    for problem in report.problems[:MOST_PROBLEMS] if report else ():
        st.caption(f":material/warning: {plain(problem)}")
    if group.first.problem:
        st.caption(f":material/block: {plain(group.first.problem)}")
    elif plan is None and not is_open:
        words = "No known format: say which column is what." if can_be_mapped(group) else "Say which format it is."
        st.caption(f":material/help: {words if not group.first.fits else 'Its format or mapping is not decided yet.'}")


def _badge(group: Group, plan: Plan | None, report: Report | None) -> None:
    if group.first.problem:
        st.badge("Cannot be read", color="red", icon=":material/block:")
    elif plan is None:
        label = "Choose a format" if group.first.fits else "Map its columns"
        st.badge(label, color="orange", icon=":material/help:")
    elif report and not report.requests:
        st.badge("No requests", color="orange", icon=":material/block:")
    else:
        st.badge("Ready", color="green", icon=":material/check_circle:")


def _counts(report: Report) -> list[str]:
    """How many requests there are, of when, and what would become of the lines."""
    rejected = formats.counted(report.rejected, "line")
    words = {
        formats.counted(report.requests, "request"): True,
        _days(report.oldest, report.newest): bool(report.requests),
        counts_text(report): bool(report.requests),
        f"{formats.exact_count(report.duplicates)} repeated": bool(report.duplicates),
        plain(report.skipped_summary): bool(report.skipped),
        f":red[{rejected} rejected]": bool(report.rejected),
        f"{formats.exact_count(report.unpriced)} without a list price": bool(report.unpriced),
    }
    return [text for text, is_said in words.items() if is_said]


def counts_text(report: Report) -> str:
    """1,203 new, 2 changed, 5 already there."""
    counts = {"new": report.inserted, "changed": report.updated, "already there": report.unchanged}
    return ", ".join(f"{formats.exact_count(count)} {name}" for name, count in counts.items() if count or name == "new")


def _days(oldest: datetime | None, newest: datetime | None) -> str:
    if not oldest or not newest:
        return ""
    zone = ZoneInfo(st.session_state["zone"])
    return days_text(oldest.astimezone(zone).date(), newest.astimezone(zone).date())


def _button(uploads: Uploads, group: Group, plan: Plan | None, formats: Formats) -> None:
    """Opens the preview and the mapping of a group, or closes them."""
    if group.first.problem:
        return
    is_open = group.name == uploads.opened
    is_mapped = bool(plan and (plan.name not in formats.sources or plan.name in formats.own))
    label = "Edit mapping" if is_mapped else "Preview" if plan else "Map columns" if not group.first.fits else "Choose format"
    icon = ":material/table_view:" if is_mapped or not plan else ":material/preview:"
    st.button(
        "Close" if is_open else label,
        key=f"open_{group.name}",
        icon=":material/expand_less:" if is_open else icon,
        on_click=open_group,
        args=(None if is_open else group.name,),
        width="stretch",
    )


def _show(uploads: Uploads, group: Group, plan: Plan, lake: Lake) -> None:
    """The preview, which is made once for each way to read the files."""
    key = (group.first.path, plan.name)
    if key not in uploads.previews:
        with st.spinner("Reading the first rows …"):
            try:
                uploads.previews[key] = ingest.preview(group.first.path, display_name(group.first.name), plan.source, lake)
            except FileProblem as problem:
                uploads.previews[key] = problem.sentence
    preview = uploads.previews[key]
    if isinstance(preview, Preview):
        show_preview(preview, plan.source.counts, group.name)
    else:
        st.warning(plain(preview), icon=":material/block:")


def _report(uploads: Uploads, group: Group, plan: Plan, lake: Lake, version: int | None, place: Any) -> Report | None:
    """What loading a group would do to the lake, which takes reading all of its lines; of large files only when asked to."""
    key = (tuple(file.path for file in group.files), plan.name, lake.name, version)
    if key not in uploads.reports:
        if group.bytes > COUNTED_AT_ONCE and not uploads.counts_all:
            return None
        try:
            uploads.reports[key] = run([(group, plan)], lake, place, dry_run=True)
        except (LakeError, UnansweredError) as problem:
            place.warning(plain(problem_text(problem)), icon=":material/cloud_off:")
            return None
    return uploads.reports[key]


def run(planned: list[tuple[Group, Plan]], lake: Lake, place: Any, *, dry_run: bool) -> Report:
    """Loads files, or says what that would do, with a progress in a place of the page. Raises LakeError."""
    files = {file: plan for group, plan in planned for file in group.files}
    sources, names = {file.path: plan.source for file, plan in files.items()}, {file.path: file.name for file in files}
    bar = place.progress(0.0, text="Reading")
    report = ingest.ingest_copies(sources, names, lake, dry_run=dry_run, on_progress=_progress_on(bar))
    bar.empty()
    return report


def _progress_on(bar: Any) -> Callable[[float, str], None]:
    return lambda share, words: bar.progress(min(share, 1.0), text=words)


def display_name(name: str) -> str:
    """A file's name without its folders."""
    return name.replace("\\", "/").rpartition("/")[2] or name


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
