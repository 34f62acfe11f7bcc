"""As what files are read: a format that recognises them, or a mapping, by the form or as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
import tomli_w

from usagecost import ingest
from usagecost.engine import open_lake
from usagecost.ingest import Formats, MappingProblem, Source
from usagecost.lake import lake_root
from usagecost.ui.answers import problem_text
from usagecost.ui.sources.mapping_form import INCLUSIONS, fits_form, mapping_keys
from usagecost.ui.sources.uploads import Group, Plan, Uploads
from usagecost.ui.text import plain

MAPPED = "mapped"
TEXT_HEIGHT = 420


def plan_of(uploads: Uploads, group: Group, formats: Formats) -> Plan | None:
    """How a group is read by now: as the reader has said, else as the one format that it looks like. None while that is open."""
    if group.name in uploads.plans:
        return uploads.plans[group.name]
    source = _only_fit(group, formats)
    return Plan(source, source.name) if source else None


def _only_fit(group: Group, formats: Formats) -> Source | None:
    """The format that a group looks like; of several a remembered mapping for exactly these columns."""
    fits = [source for source, _ in group.first.fits]
    own = [source for source in fits if set(formats.own.get(source.name, {}).get("recognise", ())) == set(group.first.columns)]
    return next((sources[0] for sources in (fits, own) if len(sources) == 1), None)


def can_be_mapped(group: Group) -> bool:
    """Whether its files are tables of several columns."""
    return len(group.first.columns) > 1


def choose_plan(uploads: Uploads, group: Group, formats: Formats) -> Plan | None:
    """Draws as what a group can be read, with the mapping of a table, and returns what was chosen; None while that is open."""
    fits = group.first.fits
    source = _only_fit(group, formats)
    is_remembered = bool(source and source.name in formats.own)
    uploads.starts.setdefault(group.name, dict(formats.own[source.name]) if source and is_remembered else {})
    titles = {name: source.title for name, source in formats.sources.items()}
    titles |= {MAPPED: "A table, mapped"} if can_be_mapped(group) else {}
    likely = [*([source.name] if source else []), *(source.name for source, _ in fits)]
    mapped = [MAPPED] if can_be_mapped(group) else []
    names = list(dict.fromkeys([*mapped, *likely, *titles] if is_remembered or not fits else [*likely, *mapped, *titles]))
    if source is None and fits:
        st.markdown(f":material/help: Looks like {plain(', and like '.join(why for _, why in fits))}. Say which of them it is.")
    elif fits:
        st.markdown(f":material/check_circle: Looks like {plain(next(why for fit, why in fits if fit is source))}.")
    else:
        st.markdown(":material/help: A table of no known format: say below which column is what.")
    format_name = st.selectbox(
        "Read as",
        names,
        index=None if source is None and fits else 0,
        format_func=titles.__getitem__,
        key=f"read_as_{group.name}",
        placeholder="Choose the format",
        width=420,
    )
    if format_name is None:
        return None
    if format_name == MAPPED:
        return _mapped(group, uploads.starts[group.name], formats)
    return Plan(formats.sources[format_name], format_name)


def _mapped(group: Group, start: Mapping[str, Any], formats: Formats) -> Plan | None:
    """How a mapping reads the files; None while something is missing in it."""
    is_text = st.toggle(
        "Write the mapping as text",
        value=not fits_form(start, group.first),
        key=f"as_text_{group.name}",
        help="The whole language: several places for a value, expressions, reasons to skip a row. "
        "usagecost/sources/README.md explains it.",
    )
    try:
        keys = _keys_of_text(group, start) if is_text else _keys_of_form(group, start if fits_form(start, group.first) else {})
        source = ingest.mapped_logs(keys) if keys else None
    except MappingProblem as problem:
        sentence = problem_text(problem)
        st.info(plain(sentence[:1].upper() + sentence[1:]), icon=":material/contact_support:")
        return None
    if source is None:
        return None
    toml = tomli_w.dumps(keys)
    with st.container(horizontal=True, vertical_alignment="center"):
        is_remembered = _remember(group, source.name, formats)
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
    return Plan(source, toml, _recognising(group, source.name, keys, formats) if is_remembered else None)


def _recognising(group: Group, name: str, keys: dict[str, Any], formats: Formats) -> dict[str, Any]:
    """The mapping with the columns by which its files are recognised: as before where that recognises these files too."""
    if any(source.name == name for source, _ in group.first.fits):
        return {"recognise": formats.own[name]["recognise"], **keys}
    return {"recognise": ingest.columns_to_recognise(group.first.path, group.first.columns, keys), **keys}


def _remember(group: Group, name: str, formats: Formats) -> bool:
    """Whether the mapping is kept beside the lake when the files are loaded. A format of the product keeps its name."""
    is_taken = name in formats.sources and name not in formats.own
    wants_it = st.checkbox(
        "Remember for files with these columns",
        value=True,
        disabled=is_taken,
        key=f"remember_{group.name}",
        help="Loading keeps the mapping beside the lake: from then on such files are recognised here, by `ingest` and by `watch`.",
    )
    if is_taken:
        st.caption(plain(f"Not remembered: {name} is a format of the app. Choose another name of the source."))
    elif wants_it and name in formats.own and set(formats.own[name].get("recognise", ())) != set(group.first.columns):
        st.caption(plain(f"Replaces the mapping {name}, which was for other columns."))
    return wants_it and not is_taken


def _keys_of_form(group: Group, start: Mapping[str, Any]) -> dict[str, Any]:
    """What the form says; nothing while a question is open."""
    keys = mapping_keys(group.first, start)
    st.session_state[f"toml_{group.name}"] = tomli_w.dumps(keys)
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


def _keys_of_text(group: Group, start: Mapping[str, Any]) -> dict[str, Any]:
    """What the reader writes, which begins with what the form said; raises MappingProblem."""
    text = st.text_area(
        "Mapping",
        value=st.session_state.get(f"toml_{group.name}") or (tomli_w.dumps(start) if start else ""),
        height=TEXT_HEIGHT,
        key=f"text_{group.name}",
        help="TOML: [columns] has the record's column = the file's. Press Ctrl+Enter to apply.",
    )
    return ingest.keys_of_toml(text or "")


def remember(plan: Plan) -> None:
    """Keeps a mapping beside the lake as a format of its own, where it is to be kept; raises MappingProblem or LakeError."""
    if plan.keys:
        ingest.keep_format(open_lake(lake_root()), plan.keys)
