"""A real server on a sample of its own, and a real Chromium in front of it, west of the server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, ViewportSize, expect, sync_playwright
from playwright.sync_api import TimeoutError as TookTooLong

from tests.loopback import free_port

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--js-flags=--no-opt --no-maglev --max-lazy",  # no page lives long enough to earn what it costs to compile its scripts
]
DESK: ViewportSize = {"width": 1440, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}
BLANK = "about:blank"
READY = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
LISTENING = """() => {
    const send = WebSocket.prototype.send
    WebSocket.prototype.send = function (...said) {
        window.asked = performance.now()
        if (!this.isListenedTo) this.addEventListener('message', () => { window.heard = performance.now() })
        this.isListenedTo = true
        return send.apply(this, said)
    }
}"""
"""Notes when a page has asked its server for something last, and when it has heard of it."""
UNMOVED = """() => {
    const rules = new CSSStyleSheet()
    rules.replaceSync('*, ::before, ::after { animation: none !important; transition: none !important }')
    document.adoptedStyleSheets.push(rules)
}"""
"""Draws no motion: a frame that nobody looks at costs as much as one that is seen."""
STILL = """ready => {
    if (!window.watched) {
        window.watched = new MutationObserver(() => { window.changed = performance.now() })
        window.watched.observe(document.documentElement, { childList: true, subtree: true, characterData: true })
        window.changed = performance.now()
    }
    const isWaiting = window.asked > (window.heard || 0) && performance.now() - window.asked < 10_000
    if (isWaiting || !document.querySelector(ready) || document.querySelector('[data-testid=stSkeleton]')) {
        window.changed = performance.now()
    }
    return performance.now() - window.changed > 250
}"""
"""Whether no run is asked for or going on, nothing is still to be drawn, and neither has been so for a quarter of a second."""
STREAMLIT_BASELINE = ("aria-allowed-attr", "svg-img-alt", "color-contrast", "presentation-role-conflict")
"""What axe would say of Streamlit's own date input, sparklines, change badges and file uploader, whatever the app."""
OVERLAY = "stFloatingOverlayPortal"
"""Where Streamlit puts what floats, such as a tooltip: it is no part of its landmarks."""
NOT_OURS = re.compile(r"gstatic|_stcore|favicon|ERR_NAME_NOT_RESOLVED|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|Infinite extent")
"""What a browser without internet says of Streamlit's own icons, and Vega of an empty sparkline."""
HOME = Path(__file__).parents[2]

expect.set_options(timeout=120_000)


@pytest.fixture(scope="session")
def server(sample_lake: str) -> Iterator[str]:
    """The address of the app, started as a user would."""
    yield from serve({"USAGECOST_SAMPLE": str(Path(sample_lake).parent)})


def serve(settings: dict[str, str], port: int | None = None, script: str = "app.py") -> Iterator[str]:
    """Starts the app, or another script, with settings, yields its address and stops it."""
    port = port or free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("USAGECOST_")}
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
    with subprocess.Popen(
        command, cwd=HOME, env=inherited | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    """Waits until a server answers."""
    for _ in range(240):
        try:
            with urllib.request.urlopen(address, timeout=1):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(address)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One Chromium for all tests, with a profile that keeps Streamlit's scripts as they were compiled: half the work of a page.

    Skipped where there is no Chromium, unless it is required.
    """
    if CHROMIUM is None and not os.environ.get("USAGECOST_REQUIRE_BROWSER"):
        pytest.skip("no chromium on the path")
    with sync_playwright() as play:
        profile = tmp_path_factory.mktemp("profile")
        chromium = play.chromium.launch_persistent_context(profile, executable_path=CHROMIUM, args=FLAGS, accept_downloads=True)
        for script in (LISTENING, UNMOVED):
            chromium.add_init_script(f"({script})()")
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page west of the server; at its end the console must be free of errors."""
    yield from open_page(browser)


def open_page(browser: BrowserContext, *, zone: str = "America/Los_Angeles", viewport: ViewportSize = DESK) -> Iterator[Page]:
    """A page that remembers nothing of those before, whose console must be free of errors at the end.

    A page is made once and used again: its next load costs a third less than that of a new one.
    """
    page = next((page for page in browser.pages if page.url == BLANK), None) or browser.new_page()
    page.bring_to_front()  # a page behind another is not painted: its dropdowns stay empty
    page.set_viewport_size(viewport)
    clock = browser.new_cdp_session(page)
    clock.send("Emulation.setTimezoneOverride", {"timezoneId": zone})
    errors: list[str] = []

    def note_message(message: ConsoleMessage) -> None:
        if message.type == "error" and _is_ours(message):
            errors.append(message.text)

    def note_error(error: Error) -> None:
        errors.append(str(error))

    page.on("console", note_message)
    page.on("pageerror", note_error)
    yield page
    page.remove_listener("console", note_message)
    page.remove_listener("pageerror", note_error)
    if page.url != BLANK:
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
        page.goto(BLANK)
    clock.detach()
    browser.clear_cookies()

    assert errors == []


def _is_ours(message: ConsoleMessage) -> bool:
    """A link to a page below makes Streamlit look for its own addresses there first."""
    return not NOT_OURS.search(f"{message.text} {message.location['url']}")


def visit(page: Page, address: str) -> None:
    """Opens an address and waits until the page has settled."""
    page.goto(address, wait_until="domcontentloaded")
    expect(page.get_by_test_id("stMetricValue").first).to_be_visible()
    settle(page)


def settle(page: Page) -> None:
    """Waits until a run that was asked for has begun and ended, and all that it sent is drawn.

    The page is drawn piece by piece after the run has ended: cards have been read while four of six were not yet there.
    """
    page.wait_for_timeout(300)
    page.wait_for_function(STILL, arg=READY, timeout=120_000)


def arrive(page: Page, name: str) -> None:
    """Waits for a page that somebody has gone to."""
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    settle(page)


def follow(page: Page, name: str) -> None:
    """A click on a link of the menu."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
    arrive(page, name)


def open_tab(page: Page, name: str) -> None:
    """A click on a tab of the page; all but the first are in the URL then, as soon as the run has begun to draw."""
    page.get_by_role("tab", name=name, exact=True).click()
    if name != page.get_by_role("tab").first.inner_text():
        expect(page).to_have_url(re.compile(rf"={re.escape(quote_plus(name))}(&|$)"))
    settle(page)


def cards(page: Page) -> list[str]:
    """The values of the page's cards."""
    return page.get_by_test_id("stMetricValue").all_inner_texts()


def choose(page: Page, label: str, option: str, *, typed: bool = False) -> None:
    """Chooses an option of a dropdown as a person would; in a long list by typing its name."""
    box = page.get_by_role("combobox", name=label, exact=True)
    box.click()
    if typed:
        box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def choose_range(page: Page, preset: str) -> None:
    """Chooses a named range in the bar above the page, which closes by that."""
    page.locator(".st-key-range_open button").first.click()
    page.get_by_test_id("stPopoverBody").get_by_role("radio", name=preset, exact=True).click()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(page.locator(".st-key-range_open button").first).to_contain_text(preset)  # a busy machine has begun the run by now
    settle(page)


def choose_filter(page: Page, dimension: str, value: str) -> None:
    """Adds a filter in the bar above the page, and closes what offers it."""
    page.locator(".st-key-filters_open button").first.click()
    body = page.get_by_test_id("stPopoverBody")
    body.get_by_role("radio", name=dimension, exact=True).click()
    settle(page)
    choose(page, dimension, value)
    page.keyboard.press("Escape")  # the list of the dropdown
    page.keyboard.press("Escape")
    expect(body).to_have_count(0)
    settle(page)


def open_settings(page: Page) -> None:
    """Opens what is chosen once, in the sidebar."""
    page.locator(".st-key-settings summary").click()
    expect(page.get_by_role("combobox", name="Time zone")).to_be_visible()
    settle(page)  # a dropdown that is opened while this still unfolds closes again


def fits_a_phone(page: Page) -> bool:
    """Whether all of the page is as wide as a phone, once charts and tables have followed: they do so after all is drawn."""
    try:
        page.wait_for_function(
            """most => Math.max(
                document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth
            ) <= most""",
            arg=PHONE["width"],
            timeout=15_000,
        )
    except TookTooLong:
        return False
    return True


def inaccessible(page: Page) -> set[str]:
    """What axe finds beyond Streamlit's own on a page as it stands."""
    options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in STREAMLIT_BASELINE}}
    broken = Axe().run(page, options=options).response["violations"]
    return {rule["id"] for rule in broken if not all(OVERLAY in node["html"] for node in rule["nodes"])}


def flaws_of_tabs(page: Page, tabs: Sequence[str]) -> dict[str, set[str]]:
    """What axe finds on a page as it stands at a desk and in each tab on a phone, and which of these are too wide for one."""
    found = {"at a desk": inaccessible(page)}
    page.set_viewport_size(PHONE)
    for tab in tabs:
        open_tab(page, tab)
        found[tab] = inaccessible(page) | (set() if fits_a_phone(page) else {"wider than a phone"})
    page.set_viewport_size(DESK)
    settle(page)
    return {name: flaws for name, flaws in found.items() if flaws}


def flaws(page: Page) -> set[str]:
    """What axe finds on a page as it stands, and whether it is too wide for a phone."""
    found = inaccessible(page)
    page.set_viewport_size(PHONE)
    settle(page)
    if not fits_a_phone(page):
        found.add("wider than a phone")
    page.set_viewport_size(DESK)
    settle(page)
    return found
