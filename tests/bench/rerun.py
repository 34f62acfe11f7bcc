"""How long a click takes with warm caches, beside a Streamlit page that has the same elements and nothing to compute.

    python tests/bench/rerun.py [--lake DIR] [--runs 12]

Two servers, one real Chromium, clicks in turn: another tab, another date range. Server: the script's run from its first to its last
line. Browser: from the click to the last change of the document. The empty page is made from what the app draws: as many elements
of each kind, as many points and rows, the plainest Altair. Without ``--lake`` the app shows its sample.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyarrow as pa
from playwright.sync_api import Page, sync_playwright
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element

HOME = Path(__file__).parents[2]
TABS = ("Totals", "Cost")
RANGES = {"30d": "Last 30 days", "7d": "Last 7 days"}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
]
QUIET_MS = 700
"""A page whose document has not changed for so long is done."""

SERVER = """
import sys, time
from streamlit.runtime.scriptrunner import script_runner
from streamlit.web.cli import main

run = script_runner.exec_func_with_error_handling

def timed(*args):
    wall, cpu = time.perf_counter(), time.thread_time()
    try:
        return run(*args)
    finally:
        print("run", time.perf_counter() - wall, time.thread_time() - cpu, flush=True)

script_runner.exec_func_with_error_handling = timed
sys.argv[0] = "streamlit"
main()
"""

EMPTY_PAGE = """
import gc, json, pathlib
import altair as alt
import pandas as pd
import streamlit as st

@st.cache_resource
def settle():
    gc.collect()
    gc.freeze()

def points(rows, series):
    return alt.Chart(pd.DataFrame([{"x": i // series, "y": i, "series": str(i % series)} for i in range(rows)]))

def lines(key, rows):
    drawn = points(rows, 4).mark_line().encode(alt.X("x:O"), alt.Y("y:Q"), alt.Color("series:N"))
    st.altair_chart(drawn.properties(height=280), key=key)

def bars(key, rows):
    drawn = points(rows, 11).mark_bar().encode(alt.X("x:O"), alt.Y("y:Q"), alt.Color("series:N"))
    st.altair_chart(drawn.properties(height=280), key=key)

def table(key, rows):
    st.dataframe(pd.DataFrame([{str(column): i * column for column in range(10)} for i in range(rows)]), key=key, hide_index=True)

DRAW = {
    "metric": lambda key, size: st.metric(key, "1.23 M", "+1.0%", border=True),
    "html": lambda key, size: st.html("<i></i>" * size),
    "lines": lines,
    "bars": bars,
    "dataframe": table,
    "selectbox": lambda key, size: st.selectbox(key, range(size), key=key),
    "multiselect": lambda key, size: st.multiselect(key, range(size), key=key),
    "button_group": lambda key, size: st.segmented_control(key, range(size), key=key),
    "download_button": lambda key, size: st.download_button("CSV", data=lambda: "", key=key, on_click="ignore"),
    "button": lambda key, size: st.button(key, key=key),
    "page_link": lambda key, size: st.page_link("http://127.0.0.1", label=key),
    "header": lambda key, size: st.header(key, anchor=False),
    "title": lambda key, size: st.title(key, anchor=False),
    "caption": lambda key, size: st.caption(key),
    "date_input": lambda key, size: st.date_input(key, key=key),
    "markdown": lambda key, size: st.markdown(key),
    "info": lambda key, size: st.info(key),
}

def draw(elements, place):
    for i, (kind, size) in enumerate(elements):
        DRAW[kind](f"{place} {kind} {i}", size)

st.set_page_config(layout="wide")
settle()
pages = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text())
with st.sidebar:
    days = st.selectbox("Date range", list(pages), key="range", bind="query-params")
    draw([element for element in pages[days]["sidebar"] if element[0] != "multiselect"], "side")
    with st.expander("Filters"):
        draw([element for element in pages[days]["sidebar"] if element[0] == "multiselect"], "filter")
draw(pages[days]["main"], "main")
tabs = pages[days]["tabs"]
for name, tab in zip(tabs, st.tabs(list(tabs), key="tab", on_change="rerun", bind="query-params")):
    if tab.open:
        with tab:
            draw(tabs[name], name)
"""

WATCH = """() => {
    new MutationObserver(() => { window.changed = performance.now() })
        .observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    document.addEventListener('click', () => { window.clicked = window.changed = performance.now() }, true);
}"""


@dataclass
class Server:
    """A running Streamlit server and, once opened, the browser's page on it."""

    url: str
    log: Path
    page: Page | None = None

    @property
    def runs(self) -> list[tuple[float, float]]:
        """The seconds, on the clock and of the processor, that each run of the script took so far."""
        lines = [line.split()[1:] for line in self.log.read_text().splitlines() if line.startswith("run ")]
        return [(float(wall), float(cpu)) for wall, cpu in lines]


@dataclass(frozen=True)
class Click:
    """The milliseconds that one click took: of the script, of its processor time, and until the document stood still."""

    server: float
    cpu: float
    browser: float


def elements(block: Block) -> list[tuple[str, int]]:
    """The elements of a block of the app that the empty page repeats: kind and size (see ``kind_and_size``), tabs left out."""
    found = []
    for child in block.children.values():
        if isinstance(child, Block):
            found += [] if child.type == "tab" else elements(child)
        elif child.type == "vega_lite_chart" or f'"{child.type}": ' in EMPTY_PAGE:
            found.append(kind_and_size(child))
    return found


def kind_and_size(element: Element) -> tuple[str, int]:
    """An element's kind and how many points, options or rows it has."""
    proto = getattr(element, "proto", None)
    if element.type == "dataframe":
        return element.type, len(element.value)
    if element.type == "html":
        return element.type, proto.body.count("<i ")
    if element.type == "vega_lite_chart":
        data = proto.datasets[0].data.data if proto.datasets else proto.data.data
        return "bars" if '"bar"' in proto.spec else "lines", pa.ipc.open_stream(data).read_all().num_rows
    return element.type, len(getattr(proto, "options", ())) or 1


def what_the_app_draws() -> dict:
    """Date range -> the elements of the sidebar, of the main part and of each tab."""
    pages: dict = {}
    for days, label in RANGES.items():
        page = pages[label] = {"tabs": {}}
        for tab in TABS:
            app = AppTest.from_file(str(HOME / "app.py"), default_timeout=120)
            app.query_params["range"], app.query_params["tab"] = days, tab
            app.run()
            page["tabs"][tab] = [found for block in app.tabs if block.label == tab for found in elements(block)]
            assert {"lines", "bars"} & {kind for kind, _ in page["tabs"][tab]}, f"the app draws no chart on {tab}"
        page["sidebar"], page["main"] = elements(app.sidebar), elements(app.main)
    return pages


@contextmanager
def served(script: Path, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A Streamlit server of a script, with the app's settings, that notes how long each run takes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher, log = folder / "server.py", folder / f"{script.stem}.log"
    launcher.write_text(SERVER)
    settings = {"port": port, "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    options = [text for name, value in settings.items() for text in (f"--server.{name}", str(value))]
    with log.open("w") as out:
        command, settings = [sys.executable, launcher, "run", script, *options], {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, cwd=HOME, env=settings, stdout=out, stderr=out)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield Server(f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        process.wait(20)


def wait_for(url: str) -> None:
    """Returns when the address answers."""
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=1)  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise TimeoutError(url)


def settle(page: Page) -> None:
    """Waits until the document stands still."""
    page.wait_for_function(f"() => performance.now() - window.changed > {QUIET_MS}", polling=50, timeout=60_000)


def click(server: Server, target: str, tab: bool) -> Click:
    """Clicks on a tab or chooses a date range, and waits until all is drawn."""
    page = server.page
    page.bring_to_front()
    if not tab:
        opener = page.locator(".st-key-range_open button").first
        (opener if opener.count() else page.get_by_role("combobox", name="Date range")).click()
        settle(page)
    before = len(server.runs)
    if tab:
        page.get_by_role("tab", name=target).click()
    else:
        page.get_by_role("radio", name=target, exact=True).or_(page.get_by_role("option", name=target, exact=True)).click()
    settle(page)
    assert not page.get_by_test_id("stException").count(), f"{server.url} shows an error instead of {target}"
    runs = server.runs[before:]
    assert len(runs) == 1, f"{len(runs)} runs after a click on {target}"
    return Click(runs[0][0] * 1000, runs[0][1] * 1000, page.evaluate("() => window.changed - window.clicked"))


def measure(title: str, app: Server, empty: Server, targets: tuple[str, ...], runs: int) -> None:
    """Prints one row of the table. The first round warms the caches up."""
    tab = targets == TABS
    rounds = [[click(server, targets[(i + 1) % 2], tab) for server in (app, empty)] for i in range(runs + 2)][2:]
    cells = []
    for of in ("server", "cpu", "browser"):
        ours, theirs = (median(getattr(pair[side], of) for pair in rounds) for side in (0, 1))
        cells.append(f"{ours:.0f} | {theirs:.0f} | {ours / theirs:.2f}")
    print(f"| {title} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path)
    parser.add_argument("--runs", type=int, default=12)
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit warns that no page is running
    if args.lake:
        os.environ["USAGECOST_LAKE"] = str(args.lake.absolute())
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as play:
        folder = Path(temporary)
        script = folder / "empty.py"
        script.write_text(EMPTY_PAGE)
        script.with_suffix(".json").write_text(json.dumps(what_the_app_draws()))
        with served(HOME / "app.py", folder) as app, served(script, folder) as empty:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            for server in (app, empty):
                server.page = browser.new_page(viewport={"width": 1440, "height": 1000})
                server.page.goto(server.url)
                server.page.get_by_role("tab", name=TABS[0]).wait_for(timeout=120_000)
                server.page.evaluate(WATCH)
                server.page.evaluate("() => { window.changed = performance.now() }")
                settle(server.page)
            print(f"medians of {args.runs} clicks in ms: this page | the empty page | ratio\n")
            print("| click | server | | | processor | | | browser | | |\n|---|" + "---:|" * 9)
            measure("another tab", app, empty, TABS, args.runs)
            measure("another date range", app, empty, tuple(RANGES.values()), args.runs)
            browser.close()


if __name__ == "__main__":
    main()
