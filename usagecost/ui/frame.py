"""The frame of every page: which lake is shown, the menu, the sidebar, the title with the age of the data."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit import config
from streamlit.delta_generator import DeltaGenerator

from usagecost import engine, queries, start
from usagecost.access import Reader
from usagecost.lake import LakeError, lake_root
from usagecost.sample import ensure_sample, sample_progress, sample_root
from usagecost.ui import address, controls, going, shelf, sign_in, viewing
from usagecost.ui.address import Choices
from usagecost.ui.answers import answer, begin_waiting, empty, unreadable
from usagecost.ui.downloads import name_downloads
from usagecost.ui.reader import reading
from usagecost.ui.text import plain
from usagecost.ui.version import as_of, renew_now, version_to_show
from usagecost.vocabulary.filters import View

HOME = Path(__file__).parents[2]
MENU_ICONS = {
    "Dashboards": ":material/dashboard:",
    "Explore": ":material/explore:",
    "Traces": ":material/list:",
    "Why": ":material/call_split:",
    "Sources": ":material/database:",
    "Prices": ":material/sell:",
    "Budgets": ":material/savings:",
    "Bills": ":material/receipt_long:",
    "Access": ":material/admin_panel_settings:",
}
HOME_PAGE = "Usage and cost"
OF_ALL_REQUESTS, OF_ADMINS = frozenset({"Sources", "Prices", "Bills"}), frozenset({"Access"})
"""Pages that are not for everybody who has a role."""
SOON = 0.2
"""Seconds between two looks at how far the sample is."""
ALL_CONTROLS = ("range", "compare", "filters", "interval", "basis")
LOAD_YOUR_OWN = "python -m usagecost ingest PATH …"


def page(
    title: str,
    icon: str = ":material/bar_chart:",
    without_lake: Callable[[], object] | None = None,
    own: Choices | None = None,
    *,
    uses: Iterable[str] = ALL_CONTROLS,
    at_once: bool = False,
) -> View:
    """Sets a page up, draws its frame and returns what the reader asked to see. The first call of every page.

    The page ends here for a reader who has to sign in first or may not open it, and where there is no lake yet; `without_lake`
    draws what it can show all the same. ``own`` are the page's choices beside the view that stand in the URL, by the keys of their
    widgets; ``uses`` are the controls that change what it shows. A page that changes the lake shows every version ``at_once``.
    """
    start.configure(title)
    skeleton, menu_skeleton = start.slots()
    reader = sign_in.let_in()
    _settle_process()
    going.follow()
    address.begin(title, viewing.choices(), own or {})
    menu_skeleton.empty()
    with st.sidebar:
        _menu(reader)
        sign_in.show_reader(reader)
    if not may_open(reader, title):
        _refuse(title, icon)
    lake = _lake_in_use(title, icon, without_lake, skeleton)
    version = _version(lake, newest=at_once)
    span = answer(queries.data_span, lake, version, reader.scope)
    start.clear()
    view = viewing.current_view(viewing.Data(lake, version, span, as_of(lake, version), reader.scope))
    if own and own.keys() >= viewing.STRETCH.keys():
        view = viewing.narrowed_to_stretch(view)
    name_downloads(view)
    used = frozenset(uses)
    with st.sidebar:
        controls.sidebar(view, used)
    with controls.top_bar(title, icon, view, span and span[1], used, lambda: _renew(lake)):
        if is_sample(lake) and may_open(reader, "Sources"):
            _sample_note(title)
    begin_waiting(title)
    return view


def is_sample(lake: str) -> bool:
    """Whether the lake that is shown is the sample: what is loaded goes to another, the configured one."""
    return lake != lake_root()


@st.cache_resource(show_spinner=False)
def _settle_process() -> None:
    """Lets many readers' runs go on side by side.

    They take turns after a thousandth of a second, as who only answers a click waits for all that draw for others. For each of the
    hundred messages of a run Streamlit looks a setting up under one lock of all sessions, and whoever waits for it gives their turn
    away: no lock. What is loaded by now is out of the collector's sight, which walks through all of it after every run otherwise.
    """
    sys.setswitchinterval(0.001)
    vars(config)["_config_lock"] = nullcontext()
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else extension modules report at the end what they take for leaks


def _lake_in_use(title: str, icon: str, without_lake: Callable[[], object] | None, skeleton: DeltaGenerator) -> str:
    """The lake's folder or URL. The sample's is shown only when no lake was configured and none is there."""
    root = lake_root()
    if _exists(root):
        return root
    if os.environ.get("USAGECOST_LAKE"):
        start.clear()
        st.title(f"{icon} {title}", anchor=False)
        folder = f": {plain(root)}" if reading().role == "admin" else ""
        empty(
            "No data yet",
            f"USAGECOST_LAKE names a folder without a lake{folder}. Correct the setting, or load logs into it "
            f"on the page Sources or with `{LOAD_YOUR_OWN}`.",
        )
        if without_lake:
            sign_in.warn_if_open()
            without_lake()
        else:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button("Retry", icon=":material/refresh:")
                st.page_link("pages/5_Sources.py", label="**Load logs**")
        st.stop()
    try:
        return _sample(title, skeleton)
    except LakeError as problem:
        unreadable(problem)


def _sample(title: str, skeleton: DeltaGenerator) -> str:
    """The sample's folder. While it is made, which takes some seconds, the page's skeleton says how far it is."""
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(ensure_sample, sample_root(), datetime.now(UTC))
        wait([making], SOON)
        while not making.done():
            share = sample_progress(sample_root())
            start.draw_frame(skeleton, title, f"Making sample data … {share:.0%}" if share else "Making sample data …", share)
            wait([making], SOON)
        return str(making.result())


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


def may_open(reader: Reader, title: str) -> bool:
    """Whether a page is for a reader: some are about all requests, or about who may see them."""
    return (title not in OF_ALL_REQUESTS or reader.sees_everything) and (title not in OF_ADMINS or reader.role == "admin")


def _refuse(title: str, icon: str) -> NoReturn:
    """Ends a page that is not for the role of who reads, and leads to one that is."""
    start.clear()
    st.title(f"{icon} {title}", anchor=False)
    empty("This page is not for your role", "It is about everybody. Your own numbers are on the page Usage and cost.")
    query = address.page_query(HOME_PAGE, viewing.choices())
    st.page_link("app.py", label="**Show my numbers**", icon=":material/bar_chart:", query_params=query)
    st.stop()


def _menu(reader: Reader) -> None:
    """The pages: app.py, and every file in pages/. Nothing is drawn while there is only one."""
    others = [file for file in sorted((HOME / "pages").glob("*.py")) if may_open(reader, page_name(file))]
    if others:
        shared = viewing.choices()
        st.page_link("app.py", label=HOME_PAGE, icon=":material/bar_chart:", query_params=address.page_query(HOME_PAGE, shared))
        for file in others:
            name = page_name(file)
            st.page_link(
                f"pages/{file.name}",
                label=name,
                icon=MENU_ICONS.get(name, ":material/insert_chart:"),
                query_params=address.page_query(name, shared),
            )
            if name == shelf.PAGE:
                shelf.pinned_links()


def page_name(file: Path) -> str:
    """What the menu calls a page: 1_Traces.py is Traces."""
    return file.stem.replace("_", " ").strip("0123456789 ").capitalize()


def _renew(lake: str) -> None:
    """What Refresh does: the newest version, as of now."""
    renew_now()
    with suppress(LakeError):  # the page that is drawn now says what is wrong
        version_to_show(lake, newest=True)


def _sample_note(title: str) -> None:
    """One line, until the reader has seen it; the page Sources is where it leads to."""
    if st.session_state.get("_knows_sample"):
        return
    st.caption("Sample data.", width="content")
    if title != "Sources":
        query = address.page_query("Sources", viewing.choices())
        st.page_link("pages/5_Sources.py", label="**Load your own logs**", query_params=query)
    st.button("Hide", key="hide_sample_note", type="tertiary", on_click=_hide_sample_note)


def _hide_sample_note() -> None:
    st.session_state["_knows_sample"] = True
