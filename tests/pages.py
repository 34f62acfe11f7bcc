"""A page as Streamlit runs it, without a browser."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

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
