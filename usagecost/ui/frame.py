"""The frame of every page: which lake is shown, the menu, the sidebar, the title with the age of the data."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import streamlit as st

from usagecost import engine, queries
from usagecost.lake import LakeError, lake_root
from usagecost.sample import ensure_sample, sample_root
from usagecost.ui import going, pinned, sidebar, sign_in
from usagecost.ui.answers import answer, empty, unreadable
from usagecost.ui.labels import words_of
from usagecost.ui.text import days_text, plain
from usagecost.ui.version import as_of, renew_now, version_to_show
from usagecost.vocabulary import BASES, formats
from usagecost.vocabulary.filters import View

HOME = Path(__file__).parents[2]
MENU_ICONS = {
    "Dashboards": ":material/dashboard:",
    "Explore": ":material/explore:",
    "Traces": ":material/list:",
    "Sources": ":material/database:",
    "Prices": ":material/sell:",
}
LOAD_YOUR_OWN = "python -m usagecost ingest PATH …"


def page(
    title: str,
    icon: str = ":material/bar_chart:",
    without_lake: Callable[[], None] | None = None,
    keeps: Sequence[str] = (),
    *,
    at_once: bool = False,
) -> View:
    """Sets a page up, draws its frame and returns what the reader asked to see. The first call of every page.

    The page ends here for a reader who has to sign in first, and where there is no lake yet; `without_lake` draws what it can
    show all the same. ``keeps`` names the page's own widgets that stand as they were when the reader comes back from another
    page. A page that changes the lake shows every version ``at_once``.
    """
    st.set_page_config(page_title=f"{title} · Usage & Cost", layout="wide", initial_sidebar_state="auto")
    sign_in.require_sign_in()
    _settle_memory()
    going.follow()
    _carry_view_over(title, keeps)
    with st.sidebar:
        _menu()
        sign_in.show_reader()
    lake = _lake_in_use(title, icon, without_lake)
    version = _version(lake, newest=at_once)
    span = answer(queries.data_span, lake, version)
    with st.sidebar:
        data = sidebar.DataSpan(lake, version, span, as_of(lake, version))
        view = sidebar.view_asked_for(data)
    st.session_state["_view"] = {key: st.session_state[key] for key in sidebar.KEYS if key in st.session_state}
    _title_row(title, icon, view, span)
    if is_sample(lake):
        _sample_note()
    return view


def is_sample(lake: str) -> bool:
    """Whether the lake that is shown is the sample: what is loaded goes to another, the configured one."""
    return lake != lake_root()


@st.cache_resource(show_spinner=False)
def _settle_memory() -> None:
    """Takes what is loaded by now out of the collector's sight: it walks through all of it after every run otherwise."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else extension modules report at the end what they take for leaks


def _carry_view_over(title: str, keeps: Sequence[str]) -> None:
    """On a change of pages the widgets' state is lost: brings the view along, except for what the URL says."""
    kept = st.session_state.setdefault("_kept", {})
    if st.session_state.get("_page") != title:
        for key, value in {**st.session_state.get("_view", {}), **kept.get(title, {})}.items():
            if key not in st.query_params:
                st.session_state[key] = value
                if value is True:  # a checkbox that is ticked from here does not write itself into the URL
                    st.query_params[key] = "true"
    st.session_state["_page"] = title
    now = {key: st.session_state.get(key, st.query_params.get(key)) for key in keeps}
    kept[title] = {key: value for key, value in now.items() if value is not None}


def _lake_in_use(title: str, icon: str, without_lake: Callable[[], None] | None) -> str:
    """The lake's folder or URL. The sample's is shown only when no lake was configured and none is there."""
    root = lake_root()
    if _exists(root):
        return root
    if os.environ.get("USAGECOST_LAKE"):
        st.title(f"{icon} {title}", anchor=False)
        empty(
            "The configured lake is not there yet",
            f"USAGECOST_LAKE names a folder without a lake: {plain(root)}. Correct the setting, or load logs into it "
            f"on the page Sources or with `{LOAD_YOUR_OWN}`.",
        )
        if without_lake:
            sign_in.warn_if_open()
            without_lake()
        else:
            st.button("Look again", icon=":material/refresh:")
        st.stop()
    with st.spinner("Making sample data …", show_time=True):
        try:
            return str(ensure_sample(sample_root(), datetime.now(UTC)))
        except LakeError as problem:
            unreadable(problem)


def _exists(lake: str) -> bool:
    try:
        return engine.open_lake(lake).exists
    except LakeError as problem:
        unreadable(problem)


def _version(lake: str, *, newest: bool) -> int:
    try:
        return version_to_show(lake, newest=newest)
    except LakeError as problem:
        unreadable(problem)


def _menu() -> None:
    """The pages: app.py, and every file in pages/. Nothing is drawn while there is only one."""
    others = sorted((HOME / "pages").glob("*.py"))
    if others:
        st.page_link("app.py", label="Usage and cost", icon=":material/bar_chart:")
        for file in others:
            name = file.stem.replace("_", " ").strip("0123456789 ").capitalize()
            st.page_link(f"pages/{file.name}", label=name, icon=MENU_ICONS.get(name, ":material/insert_chart:"))
            if name == pinned.PAGE:
                pinned.links()


def _renew(lake: str) -> None:
    """What Refresh does: the newest version, as of now."""
    renew_now()
    with suppress(LakeError):  # the page that is drawn now says what is wrong
        version_to_show(lake, newest=True)


def _title_row(title: str, icon: str, view: View, span: tuple[datetime, datetime] | None) -> None:
    now = datetime.now(UTC)
    ahead = formats.clock_skew(span[1], now) if span else None
    skew = ahead and f"Newest request is {ahead}."
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.title(f"{icon} {title}", anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            if span:
                newest = min(span[1], now).astimezone(ZoneInfo(view.period.zone))
                st.markdown(
                    f"Data through **{newest:%H:%M}**, {days_text(newest.date(), newest.date())} {plain(view.period.zone)}",
                    help=skew or f"The newest request in the lake was sent {formats.age(span[1], now)}.",
                    width="content",
                )
            st.button("Refresh", icon=":material/refresh:", on_click=_renew, args=(view.lake,), type="tertiary")
    words = [
        days_text(view.period.first, view.period.last),
        view.period.zone,
        f"spend: {BASES[view.basis][0].lower()}",
        *(words_of(view) or ("no filters",)),
    ]
    st.caption(" · ".join(plain(word) for word in words))
    if skew:
        st.caption(f":material/schedule: {plain(skew)}")


def _sample_note() -> None:
    st.info(
        "Invented traffic of an invented company, made anew every day. Load your own logs on the page Sources or with "
        f"`{LOAD_YOUR_OWN}`: known formats are recognised, any CSV, JSON or Parquet table can be mapped. The sample then "
        "steps aside.",
        title="This is sample data",
        icon=":material/science:",
    )
