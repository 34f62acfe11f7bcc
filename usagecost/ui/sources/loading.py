"""Loading files from the page: drop, see what they are and how they would be read, map what is unknown, load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from usagecost import formats, ingest
from usagecost.engine import UnansweredError, open_lake
from usagecost.ingest import FORMATS, FileProblem, MappingProblem, Preview, Report, Source
from usagecost.lake import Lake, LakeError, lake_root
from usagecost.ui.sources.mapping_form import INCLUSIONS, mapping_keys
from usagecost.ui.sources.previews import show_preview
from usagecost.ui.sources.uploads import Group, Uploads, current_uploads, discard, take_over, uploader_key
from usagecost.ui.text import plain

MOST_UPLOAD_MB = 200
CHECKED_AT_ONCE = 16 << 20
"""Bytes that are checked without being asked to."""

MAPPED = "mapped"
MOST_NAMES, MOST_PROBLEMS = 5, 8
_DONE = "_loaded"


@dataclass(frozen=True)
class Plan:
    """How the files of a group are read. `name` tells it from other ways to read them."""

    source: Source
    name: str
    counts: str


def load_files() -> None:
    """The whole way from dropped files to the lake."""
    _say_what_was_done()
    given = st.file_uploader(
        "Log files: CSV, TSV, JSON, JSON lines or Parquet, packed with gzip or zstd or not",
        accept_multiple_files=True,
        key=uploader_key(),
        max_upload_size=MOST_UPLOAD_MB,
        help="Several at once. Nothing is loaded before you say so. Larger files: `python -m usagecost ingest PATH …`",
    )
    if given:
        take_over(given)
        st.rerun()
    uploads = current_uploads()
    if uploads is None:
        known = ", ".join(source.title for name, source in FORMATS.items() if name != "table")
        st.caption(f"Recognised by their content: {plain(known)}. Any other table can be mapped. {_target_words()}")
        return
    plans: dict[Path, Plan] = {}
    for group in uploads.groups():
        plan = _group(uploads, group)
        plans |= {file.path: plan for file in group.files} if plan else {}
    _load_or_discard(uploads, plans)


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
    else:
        st.warning("No request could be read; the lake is as it was.", title="Nothing was loaded", icon=":material/block:")
    for problem in report.problems[:MOST_PROBLEMS]:
        st.caption(plain(problem))


def _group(uploads: Uploads, group: Group) -> Plan | None:
    """A group of files: what they are, how they are read, and how that looks. None where they cannot be read yet."""
    with st.container(border=True, key=f"group_{group.name}"):
        names = ", ".join(file.name for file in group.files[:MOST_NAMES])
        more = f" and {len(group.files) - MOST_NAMES:,} more" if len(group.files) > MOST_NAMES else ""
        st.markdown(f"**{plain(names)}**{more} · {_size(sum(file.bytes for file in group.files))}")
        if group.first.problem:
            st.warning(plain(group.first.problem), icon=":material/block:")
            return None
        plan = _plan(group)
        if plan is not None:
            _show(uploads, group, plan)
        return plan


def _plan(group: Group) -> Plan | None:
    """As what the files are read: what they look like, unless the reader says otherwise."""
    fits = group.first.fits
    can_be_mapped = len(group.first.columns) > 1
    titles = {name: source.title for name, source in FORMATS.items()} | ({MAPPED: "A table, mapped"} if can_be_mapped else {})
    names = list(dict.fromkeys([*(source.name for source, _ in fits), *([MAPPED] if can_be_mapped else []), *titles]))
    if len(fits) == 1:
        st.markdown(f":material/check_circle: Looks like {plain(fits[0][1])}.")
    elif fits:
        st.markdown(f":material/help: Looks like {plain(', and like '.join(why for _, why in fits))}. Say which of them it is.")
    else:
        st.markdown(":material/help: A table of no known format: say below which column is what.")
    chosen = st.selectbox(
        "Read as",
        names,
        index=None if len(fits) > 1 else 0,
        format_func=titles.__getitem__,
        key=f"read_as_{group.name}",
        placeholder="Choose the format",
        width=420,
    )
    if chosen is None:
        return None
    return _mapped(group) if chosen == MAPPED else Plan(FORMATS[chosen], chosen, FORMATS[chosen].counts)


def _mapped(group: Group) -> Plan | None:
    """A table that is read by a mapping; None while something is missing in it."""
    keys = mapping_keys(group.first)
    if "started_at" not in keys.get("columns", {}):
        st.info("Choose above which column is started_at, the time of a request.", icon=":material/contact_support:")
        return None
    open_questions = [part for key, (_, part, _) in INCLUSIONS.items() if part in keys["columns"] and key not in keys]
    if open_questions:
        st.info(
            "Answer above what the counts include: nobody can guess it, and the cost depends on it.",
            icon=":material/contact_support:",
        )
        return None
    try:
        source = ingest.mapped_table(keys)
    except MappingProblem as problem:
        st.info(plain(str(problem)), icon=":material/contact_support:")
        return None
    toml = ingest.mapping_toml(keys)
    st.download_button(
        "Save mapping",
        data=toml,
        file_name=f"{keys['source']}.toml",
        mime="application/toml",
        key=f"save_{group.name}",
        icon=":material/save:",
        on_click="ignore",
        help="A small text file: `python -m usagecost ingest PATH --mapping FILE` reads later files in the same way.",
    )
    return Plan(source, toml, counts_of_mapping(keys))


def counts_of_mapping(keys: dict[str, Any]) -> str:
    """What a mapping says about the counts, in sentences."""
    said = []
    for key, (whole, part, words) in INCLUSIONS.items():
        if part in keys["columns"]:
            then = "taken as it stands" if keys[key] else f"{part} is added"
            said.append(f"{whole} {'includes' if keys[key] else 'does not include'} {words}: {then}.")
    if "input_tokens" in keys["columns"] and len(said) == 0:
        said.append("input_tokens is taken as all input: the table tells nothing of caches.")
    return " ".join(said) or "The table has no counts of tokens."


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
