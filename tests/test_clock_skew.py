"""Requests that were sent later than now, as a sender's wrong clock makes them: said so, and no page claims to know the future."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from tests.views import request
from usagecost.cli import app
from usagecost.ui.sources.feeds import freshness
from usagecost.vocabulary import formats

HOME = Path(__file__).parents[1]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SENTENCE = "Newest request is 3 h ahead of this clock: check the sender's clock"


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(seconds=-1), None),
        (timedelta(0), None),
        (timedelta(seconds=59), None),
        (timedelta(minutes=1), "1 min"),
        (timedelta(hours=3, minutes=10), "3 h"),
        (timedelta(hours=24), "24 h"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_a_newest_request_of_later_than_now_is_said(ahead: timedelta, said: str | None):
    found = formats.clock_skew(NOW + ahead, NOW)

    assert found == (said and f"{said.replace(' ', formats.GAP)} ahead of this clock: check the sender's clock")


@pytest.fixture
def lake(lake_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A lake of a request of now and one of three hours later."""
    now = datetime.now(UTC)
    found = lake_of(request(now), request(now + timedelta(hours=3, minutes=10)))
    monkeypatch.setenv("USAGECOST_LAKE", found)
    return found


def plain_words(text: str) -> str:
    return re.sub(r":small\{\}|\\", "", text).replace(formats.GAP, " ")


@pytest.mark.usefixtures("lake")
def test_pages_say_it_and_have_data_through_now():
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    page = AppTest.from_file(str(HOME / "app.py"), default_timeout=60)
    page.query_params["zone"] = "UTC"
    for shown in (page.run, lambda: page.switch_page("pages/2_Dashboards.py").run()):
        shown()

        assert not page.exception
        captions = [plain_words(caption.value) for caption in page.main.caption]
        assert f":material/schedule: {SENTENCE}." in captions
        texts = [*(part.value for part in page.main.markdown), *captions]
        through = [found for text in texts for found in re.findall(r"ata through \*{0,2}(\d\d:\d\d)", text)]
        minutes = {f"{before + timedelta(minutes=more):%H:%M}" for more in range(3)}
        assert through
        assert set(through) <= minutes


def test_a_source_and_the_doctor_say_it(lake: str):
    done = CliRunner().invoke(app, ["doctor", "--lake", lake])

    assert SENTENCE.removeprefix("Newest request is ") in " ".join(done.output.split())
    assert freshness(NOW + timedelta(hours=3), NOW) == ("clock ahead", "orange", ":material/schedule:")
    assert freshness(NOW + timedelta(seconds=30), NOW)[1] == "green"
