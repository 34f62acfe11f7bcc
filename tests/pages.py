"""A page as Streamlit runs it, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

APP = Path(__file__).parents[1] / "app.py"


def opened(file: str = "app.py", *, app: Path = APP, **link: str | list[str]) -> AppTest:
    """A page that is opened by a link; it fails on any exception."""
    page = AppTest.from_file(str(app), default_timeout=60)
    if file != "app.py":
        page.switch_page(file)
    for name, value in link.items():
        page.query_params[name] = value
    return calm(page.run())


def calm(page: AppTest) -> AppTest:
    """The page, which shows no exception."""
    assert not page.exception, page.exception[0].value
    return page


@contextmanager
def quick_pages() -> Iterator[None]:
    """Spares pages what costs Streamlit more than to run them: before the first run of each it looks through all installed packages
    for components, of which there are none, and a thousand times a second it asks whether a run is over.
    """
    scan = "streamlit.components.v2.manifest_scanner.scan_component_manifests"
    with patch(scan, list), patch("streamlit.testing.v1.local_script_runner.require_widgets_deltas", _until_over):
        yield


def _until_over(runner: LocalScriptRunner, timeout: float) -> None:
    runner._script_thread.join(timeout)
    if not runner.script_stopped():
        runner.request_stop()
        raise TimeoutError(f"The page was not done after {timeout} s")
