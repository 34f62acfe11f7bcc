"""How long it takes until a page is there: opened by a link, loaded again, and for the very first time.

    python tests/bench/opening.py [--lake DIR] [--runs 8]

A real Chromium whose cache is warm. Beside each page an empty script of Streamlit, opened in turn, says what is Streamlit's own.
First: from the request for the page to its title, which comes with its skeleton. Whole: to the last change of the document.
Jumps: the sum of the browser's layout shifts (0.1 is good). The first start is that of a new process without a sample, in turn
with a new process of the empty script; it takes as long as the machine needs to load the modules and to make the sample.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from playwright.sync_api import BrowserContext, sync_playwright
from rerun import FLAGS, HOME, served, settle

EMPTY = "import streamlit as st\n\nst.set_page_config(layout='wide')\nst.title('Empty')\n"
PAGES = {"Usage and cost": "", "Dashboards, a board": "Dashboards", "Sources": "Sources", "Traces": "Traces"}
WATCH = """
window.changed = window.titled = window.jumps = 0;
new PerformanceObserver(list => list.getEntries().forEach(one => { window.jumps += one.value }))
    .observe({type: 'layout-shift', buffered: true});
new MutationObserver(() => {
    window.changed = performance.now();
    if (!window.titled && document.querySelector('h1')) window.titled = performance.now();
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
"""
DONE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
DRAWN = "() => !document.querySelector('[data-testid=stSkeleton]')"
"""Nothing is still to be drawn: a busy browser stands still for longer than a page that is done has to."""


class Opened(NamedTuple):
    """When a page had its title and when it was whole, in ms after it was asked for, and how much of it jumped."""

    first: float
    whole: float
    jumps: float


def opened(browser: BrowserContext, url: str) -> Opened:
    """Opens a page as a reader does who follows a link, and waits until all of it is drawn."""
    page = browser.new_page()
    page.add_init_script(WATCH)
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => window.titled", timeout=120_000)
    page.wait_for_selector(DONE, timeout=120_000)
    page.wait_for_function(DRAWN, timeout=120_000)
    settle(page)
    page.wait_for_selector(DONE)
    found = Opened(*page.evaluate("() => [window.titled, window.changed, window.jumps]"))
    assert not page.get_by_test_id("stException").count(), f"{url} shows an error"
    page.close()
    return found


def row(title: str, ours: Sequence[Opened], empty: Sequence[Opened]) -> None:
    """Prints the medians of one page beside those of the empty script."""
    cells = [f"{median(one[place] for one in side):.0f}" for place in (0, 1) for side in (ours, empty)]
    print(f"| {title} | {' | '.join(cells)} | {median(one.jumps for one in ours):.2f} |", flush=True)


def first_start(browser: BrowserContext, empty: Path, folder: Path, turn: int) -> tuple[Opened, Opened]:
    """The first page of a new process that has to make its sample, and of one that runs the empty script."""
    with served(HOME / "app.py", folder, {"USAGECOST_SAMPLE": str(folder / f"sample-{turn}")}) as app:
        ours = opened(browser, app.url)
    with served(empty, folder) as other:
        return ours, opened(browser, other.url)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path)
    parser.add_argument("--runs", type=int, default=8)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as play:
        folder = Path(temporary)
        empty = folder / "empty.py"
        empty.write_text(EMPTY)
        browser = play.chromium.launch_persistent_context(
            folder / "profile", executable_path=shutil.which("chromium"), args=FLAGS, viewport={"width": 1440, "height": 900}
        )
        settings = {"USAGECOST_LAKE": str(args.lake.absolute())} if args.lake else {}
        print("medians in ms: this app | an empty script\n")
        print("| | first | | whole | | jumps |\n|---|" + "---:|" * 5)
        with served(HOME / "app.py", folder, settings) as app, served(empty, folder) as other:
            for title, path in PAGES.items():
                pairs = [(opened(browser, f"{app.url}/{path}"), opened(browser, other.url)) for _ in range(args.runs + 1)][1:]
                row(title, *zip(*pairs, strict=True))
        starts = [first_start(browser, empty, folder, turn) for turn in range(max(1, args.runs // 2))]
        row("the first start", *zip(*starts, strict=True))
        browser.close()


if __name__ == "__main__":
    main()
