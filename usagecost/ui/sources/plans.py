"""As what dropped files are read: a format that recognises them, or a mapping, by the form or as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from usagecost import ingest
from usagecost.engine import open_lake
from usagecost.ingest import Formats, MappingProblem, Source
from usagecost.lake import LakeError, lake_root
from usagecost.ui.sources.mapping_form import INCLUSIONS, mapping_keys
from usagecost.ui.sources.uploads import Group
from usagecost.ui.text import plain

MAPPED = "mapped"
TEXT_HEIGHT = 420


@dataclass(frozen=True)
class Plan:
    """How the files of a group are read. `name` tells it from other ways to read them."""

    source: Source
    name: str
    counts: str


def plan_of(group: Group, known: Formats) -> Plan | None:
    """As what the files are read: what they look like, unless the reader says otherwise. None while that is open."""
    fits = group.first.fits
    can_be_mapped = len(group.first.columns) > 1
    titles = {name: source.title for name, source in known.sources.items()}
    titles |= {MAPPED: "A table, mapped"} if can_be_mapped else {}
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
    return _mapped(group) if chosen == MAPPED else Plan(known.sources[chosen], chosen, known.sources[chosen].counts)


def _mapped(group: Group) -> Plan | None:
    """Files that are read by a mapping; None while something is missing in it."""
    is_text = st.toggle(
        "Write the mapping as text",
        key=f"as_text_{group.name}",
        help="The whole language: several places for a value, expressions, reasons to skip a row. "
        "usagecost/sources/README.md explains it.",
    )
    try:
        keys = _keys_of_text(group) if is_text else _keys_of_form(group)
        source = ingest.mapped_logs(keys) if keys else None
    except MappingProblem as problem:
        st.info(plain(str(problem)), icon=":material/contact_support:")
        return None
    if source is None:
        return None
    toml = ingest.mapping_toml(keys)
    with st.container(horizontal=True):
        st.download_button(
            "Save mapping",
            data=toml,
            file_name=f"{source.name}.toml",
            mime="application/toml",
            key=f"save_{group.name}",
            icon=":material/save:",
            on_click="ignore",
            help="A small text file: `python -m usagecost ingest PATH --mapping FILE` reads later files in the same way.",
        )
        is_kept = st.button(
            "Recognise such files",
            key=f"keep_{group.name}",
            icon=":material/bookmark_add:",
            help="Keeps the mapping beside the lake: from now on files with these columns are a format of their own, "
            "here, for `ingest` and for `watch`.",
        )
    if is_kept:
        _keep({"recognise": ingest.columns_to_recognise(group.first.path, group.first.columns, keys), **keys})
    return Plan(source, toml, source.counts)


def _keys_of_form(group: Group) -> dict[str, Any]:
    """What the form says; nothing while a question is open."""
    keys = mapping_keys(group.first)
    st.session_state[f"toml_{group.name}"] = ingest.mapping_toml(keys)
    if "started_at" not in keys.get("columns", {}):
        st.info("Choose above which column is started_at, the time of a request.", icon=":material/contact_support:")
        return {}
    if any(part in keys["columns"] and key not in keys for key, (_, part, _) in INCLUSIONS.items()):
        st.info(
            "Answer above what the counts include: nobody can guess it, and the cost depends on it.",
            icon=":material/contact_support:",
        )
        return {}
    return keys


def _keys_of_text(group: Group) -> dict[str, Any]:
    """What the reader writes, which begins with what the form said; raises MappingProblem."""
    text = st.text_area(
        "Mapping",
        value=st.session_state.get(f"toml_{group.name}", ""),
        height=TEXT_HEIGHT,
        key=f"text_{group.name}",
        help="TOML: [columns] has the record's column = the file's. Press Ctrl+Enter to apply.",
    )
    return ingest.keys_of_toml(text or "")


def _keep(keys: dict[str, Any]) -> None:
    try:
        ingest.keep_format(open_lake(lake_root()), keys)
    except (MappingProblem, LakeError) as problem:
        st.warning(plain(str(problem)), icon=":material/block:")
    else:
        st.success("Kept: such files are recognised from now on.", icon=":material/bookmark_added:")
