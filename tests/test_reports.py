"""Reports: the page's numbers and charts in a file that is inert, in a mail, and sent once when they are due."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.header import decode_header, make_header
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.copies import copied
from tests.lake_rows import commit
from tests.mails import mail_server
from tests.views import instant, request
from tests.webhook import Receiver
from usagecost.alerts import read_ledger
from usagecost.alerts.ledger import Message
from usagecost.budgets import NAME
from usagecost.cli import app
from usagecost.cli.summaries import summary_rows
from usagecost.lake import Lake
from usagecost.reports import Job, Order, Report, letter_of, make_report, page_html, parse_schedule, run_round
from usagecost.reports.content import Cards, Picture, Table
from usagecost.schema import ALERTS
from usagecost.vocabulary import CARDS, METRICS
from usagecost.vocabulary.formats import GAP

NOW = instant("2026-05-16 12:00")
MAY = Order("UTC", "month")
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "\x00\x1b[31m&#0;]]>",
    "\u202ejs.elif",
    "https://evil.example/",
)


@copied
def lake(lake: Lake) -> None:
    """A lake with 8 requests of May, one of them without a price, and 2 of the same days of April."""
    fields = {"provider": "p", "status": "success", "input_tokens": 1000, "output_tokens": 10, "duration_ms": 500}
    search, ads = {"model": "big", "team_id": "search", **fields}, {"model": "small", "team_id": "ads", **fields}
    big = [request(f"2026-05-{day:02} 10:00", list_cost_usd=Decimal(3), **search) for day in (2, 3, 4)]
    small = [request(f"2026-05-{day:02} 10:00", list_cost_usd=Decimal("0.5"), **ads) for day in range(5, 9)]
    unknown = [request("2026-05-09 10:00", **{**fields, "model": "own", "price_status": "unpriced", "status": "error"})]
    before = [request(f"2026-04-{day:02} 10:00", list_cost_usd=Decimal(2), **search) for day in (1, 2)]
    commit(lake, *big, *small, *unknown, *before)


def part_of(report: Report, title: str, kind: type) -> object:
    return next(part for section in report.sections if section.title == title for part in section.parts if isinstance(part, kind))


def test_a_report_says_the_pages_numbers(lake: Lake):
    report = make_report(lake.name, MAY, NOW)

    cards = {card.metric.name: card for card in part_of(report, "", Cards).cards}
    (summary,) = summary_rows(lake.name, NOW.date().replace(day=1), NOW.date(), "UTC", None, CARDS)
    assert {name: cards[name].value for name in CARDS if name != "spend_usd"} == {
        name: METRICS[name].format(summary[name]) for name in CARDS if name != "spend_usd"
    }
    assert (cards["requests"].value, cards["success_rate"].value) == ("8", "87.5%")
    assert (cards["spend_usd"].value, cards["spend_usd"].change, cards["spend_usd"].is_good) == (f"≥{GAP}$11.00", "+175.0%", False)
    assert report.lines == [
        "This month: 1–16 May 2026 · UTC",
        "Compared with 1–16 Apr 2026, up to the same time.",
        "Data through 10:00, 9 May 2026.",
    ]
    models = part_of(report, "Models", Table)
    assert models.headings == ["Model", "Spend", "Share", "Change", "Requests", "Tokens"]
    assert models.rows == [
        ["big", "$9.00", "81.8%", "+125.0%", "3", "3,030"],
        ["small", "$2.00", "18.2%", "–", "4", "4,040"],
        ["own", "–", "–", "–", "1", "1,010"],
        ["Total", f"≥{GAP}$11.00", "100.0%", "+175.0%", "8", "8,080"],
    ]
    assert part_of(report, "Why spend changed", str) == (
        "Spend rose by $7.00 (+175.0%): +$2.50 higher prices (big), +$2.50 more requests, +$2.00 small (new)."
    )
    text = page_html(report)
    assert all(f">{card.value}<" in text for card in cards.values())


def test_a_comparison_that_is_incomplete_shows_no_change(lake: Lake):
    report = make_report(lake.name, Order("UTC", "30d"), NOW)

    assert "Comparison incomplete: data starts on 1 Apr 2026." in report.lines
    assert all(card.change is None for card in part_of(report, "", Cards).cards)
    assert "Change" not in part_of(report, "Models", Table).headings


def test_filters_hold_for_numbers_budgets_and_the_link(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USAGECOST_ADDRESS", "https://usage.example.com/")
    scopes = {"Search": 'only = { team = ["search"] }', "Ads": 'only = { team = ["ads"] }', "All": ""}
    budgets = [f'[[budget]]\nname = "{name}"\namount = 10\n{scope}\n' for name, scope in scopes.items()]
    (lake.root.parent / NAME).write_text("\n".join(budgets))
    report = make_report(lake.name, Order("UTC", "month", filters=(("team", "search"),)), NOW)

    assert part_of(report, "", Cards).cards[0].value == "3"
    (budget,) = next(section.parts for section in report.sections if section.title == "Budgets")
    assert (budget.name, budget.said[0].split(" · ")[0]) == ("Search", "$9.00 of $10.00 (90.0%)")
    assert report.file_name == "usage-and-cost_2026-05-01_2026-05-16_team-search.html"
    assert parse_qs(urlsplit(report.link).query) == {
        "range": ["custom"], "days": ["2026-05-01", "2026-05-16"], "compare": ["before"], "zone": ["UTC"], "team": ["search"],
    }  # fmt: skip


def test_a_board_is_named_by_its_file_or_title_and_has_its_panels(lake: Lake):
    report = make_report(lake.name, Order("UTC", "month", board="cost"), NOW)
    same = make_report(lake.name, Order("UTC", "month", board="Cost"), NOW)

    titles = [section.title for section in report.sections]
    assert titles == [section.title for section in same.sections]
    assert titles[1:] == ["Why spend changed", "Spend by team", "Cache savings by model", "Spend per request by model", "Top users"]
    assert part_of(report, "Top users", Table).rows[-1] == ["Total", f"≥{GAP}$11.00", "8", "8,080"]
    assert part_of(report, "Spend by team", Picture).alt_text == "Bars over time: Spend by team"
    said = CliRunner().invoke(app, ["report", "--lake", lake.name, "--board", "none"])
    assert (said.exit_code, said.stderr) == (1, "There is no board none: use one of overview, reliability, cost.\n")


class Elements(HTMLParser):
    """The tags of a page, their attributes, its texts and the sources of its images."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources += [value or "" for name, value in attrs if name in ("src", "srcset")]
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


TAGS = {
    "html", "head", "meta", "title", "style", "body", "table", "tr", "td", "th", "div", "h1", "h2", "span", "b", "img",
}  # fmt: skip
DRAWN = {"svg", "g", "path", "rect", "text", "line", "defs", "clipPath", "circle", "title"}


def test_names_of_logs_are_inert(lake_of: Callable[..., str]):
    named = [dict.fromkeys(("model", "provider", "user_id", "team_id"), name) for name in HOSTILE]
    lake = lake_of(*(request("2026-05-02 10:00", list_cost_usd=Decimal(number + 1), **names) for number, names in enumerate(named)))
    reports = [make_report(lake, Order("UTC", "month", filters=(("status", "<i>"),)), NOW), make_report(lake, MAY, NOW)]
    reports.append(make_report(lake, Order("UTC", "month", board="cost"), NOW))
    pages = [Elements(page_html(report)) for report in reports]

    for page in pages:
        assert page.tags <= TAGS
        assert not [name for name in page.attributes if name.startswith("on")]
        assert not page.links
        for source in page.sources:
            kind, _, content = source.partition(",")
            assert kind == "data:image/svg+xml;base64"
            svg = ElementTree.fromstring(b64decode(content))  # noqa: S314 - what we have made
            assert {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in svg.iter()} <= DRAWN
            assert not [name for element in svg.iter() for name in element.attrib if "href" in name or name.startswith("on")]
    shown = "\n".join(pages[1].texts)
    assert HOSTILE[0] in shown
    assert HOSTILE[1] in shown
    assert "Only status is <i>" in pages[0].texts
    assert not {"\x00", "\x1b", "\u202e"} & {*shown}
    assert len(pages[1].sources) == 6


def test_a_mail_has_its_pictures_within_and_the_file_attached(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    with mail_server() as mails:
        monkeypatch.setenv("USAGECOST_ALERT_OPS", mails.url)
        said = CliRunner().invoke(
            app, ["report", "--lake", lake.name, "--start", "2026-05-01", "--end", "2026-05-09", "--send", "ops"]
        )
    assert (said.exit_code, said.stdout) == (0, "Usage and cost · 1–9 May 2026 · UTC sent to ops\n")

    (mail,) = mails.came
    assert str(make_header(decode_header(mail["Subject"]))) == "Usage and cost · 1–9 May 2026 · UTC"
    bodies = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    body, attached = (part.get_payload(decode=True).decode() for part in bodies)
    pictures = {part["Content-ID"].strip("<>"): part for part in mail.walk() if part.get_content_type() == "image/png"}
    assert (
        Elements(body).sources == [f"cid:{name}" for name in pictures] == ["cid:chart-1.png", "cid:chart-2.png", "cid:chart-3.png"]
    )
    assert all(part.get_payload(decode=True).startswith(b"\x89PNG") for part in pictures.values())
    assert bodies[1].get_filename() == "usage-and-cost_2026-05-01_2026-05-09.html"
    assert all(source.startswith("data:image/svg+xml") for source in Elements(attached).sources)
    assert f"≥{GAP}$11.00" in body
    assert len(body) < 102_000
    assert '<meta name="color-scheme" content="light only">' in body
    assert not [name for name in ("<svg", "opacity", "<link", "@import", "Content-Security-Policy") if name in body]
    (plain,) = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    assert "Total spend\r\n≥ $11.00\r\n" in plain.get_payload(decode=True).decode()


def due(text: str, zone: str, now: str) -> tuple[str, str]:
    """The last and the next instant at which something is due, UTC."""
    schedule = parse_schedule(text)
    return tuple(f"{at(instant(now), zone):%m-%d %H:%M}" for at in (schedule.last, schedule.next))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("monday-09:00", "2026-03-30 06:59", ("03-23 08:00", "03-30 07:00")),  # clocks went forward on Sunday
        ("monday-09:00", "2026-03-30 07:00", ("03-30 07:00", "04-06 07:00")),
        ("daily-02:30", "2026-03-29 01:30", ("03-29 01:30", "03-30 00:30")),  # 02:30 is skipped, and is 03:30
        ("daily-02:30", "2026-10-25 00:30", ("10-25 00:30", "10-26 01:30")),  # 02:30 comes twice, and counts once
        ("daily-02:30", "2026-10-25 01:30", ("10-25 00:30", "10-26 01:30")),
        ("monthly-31-00:15", "2026-03-01 12:00", ("02-27 23:15", "03-30 22:15")),  # 28 February, 31 March in summer time
        ("monthly-1-09:00", "2026-11-01 07:59", ("10-01 07:00", "11-01 08:00")),
    ],
)
def test_times_are_those_of_the_zones_clocks(text: str, now: str, expected: tuple[str, str]):
    assert due(text, "Europe/Berlin", now) == expected


SCHEDULES = ("daily-02:30", "sunday-00:00", "monthly-29-23:59")


@given(
    st.integers(946_684_800, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from(SCHEDULES),
    st.sampled_from(["Europe/Berlin", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu"]),
)
def test_now_lies_between_two_times_that_nothing_lies_between(now: datetime, text: str, zone: str):
    schedule = parse_schedule(text)
    last, following = schedule.last(now, zone), schedule.next(now, zone)

    assert last <= now < following
    assert (schedule.next(last, zone), schedule.last(following, zone)) == (following, following)


@pytest.mark.parametrize("text", ["9", "monday-24:00", "monthly-0-09:00", "monthly-09:00", "montag-09:00", "daily-9:0"])
def test_what_is_no_time_is_refused_with_one_that_is(text: str):
    said = CliRunner().invoke(app, ["report", "--every", text])

    assert (said.exit_code, "write it as monday-09:00, daily-09:00 or monthly-1-09:00." in said.stderr) == (2, True)


def weekly(lake: Lake) -> Job:
    """A report that is due on 18 and 25 May, and so on."""
    return Job(lake, Order("UTC", "last-week"), parse_schedule("monday-09:00"), ["ops"])


def test_what_is_due_is_sent_once_and_what_was_missed_once_when_it_is_back(lake: Lake, ops: Receiver):
    times = (NOW, *map(instant, ("2026-05-18 08:59", "2026-05-18 09:00", "2026-05-18 09:01")))  # it begins with the first
    sent = [run_round(weekly(Lake(lake.root)), print, when).sent for when in times]
    assert sent == [0, 0, 1, 0]
    assert ops.titles == ["Usage and cost · Last week: 11–17 May 2026 · UTC"]

    run_round(weekly(lake), print, instant("2026-06-10 11:00"))  # 25 May, 1 and 8 June were missed
    run_round(weekly(lake), print, instant("2026-06-10 12:00"))
    assert ops.titles[1:] == ["Usage and cost · Last week: 1–7 Jun 2026 · UTC"]
    assert read_ledger(lake).alerts == {}


def test_who_fails_or_is_killed_is_followed_by_one_who_tells_of_the_days_that_were_due(lake: Lake, ops: Receiver):
    job, due = Job(lake, Order("UTC", "yesterday"), parse_schedule("daily-23:59"), ["ops"]), instant("2026-05-16 23:59")
    run_round(job, print, NOW)
    ops.fails, tries = True, []
    for minutes in (0, 0.5, 1, 2, 3):  # tried after 1 and then 2 minutes
        run_round(job, print, due + timedelta(minutes=minutes))
        tries.append(ops.tries)
    assert tries == [1, 1, 2, 2, 3]

    failed = [row for row in lake.rows("alerts").to_pylist() if row["outcome"] == "failed"][-1]
    ops.fails, later = False, due + timedelta(minutes=7)
    claim = read_ledger(lake).claim(Message(failed, "ops"), later)  # and then it is killed
    assert lake.keep_rows("alerts", pa.Table.from_pylist([claim], schema=ALERTS)) == 1
    sent = [run_round(job, print, later + timedelta(minutes=minutes)).sent for minutes in (1, 4.9, 5, 6)]
    assert (sent, ops.titles) == ([0, 0, 1, 0], ["Usage and cost · Yesterday: 15 May 2026 · UTC"])
    assert ops.came[0]["message"].endswith(f"list price. Report {failed['id']}")


ROUNDS = """
import sys
from datetime import datetime
from usagecost.lake import Lake
from usagecost.reports import Job, Order, parse_schedule, run_round
job = Job(Lake(sys.argv[1]), Order("UTC", "last-week"), parse_schedule("monday-09:00"), ["ops"])
sys.stdin.read()  # everything is imported
for minute in range(2):
    run_round(job, lambda _: None, datetime.fromisoformat(f"2026-05-18T09:0{minute}+00:00"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["disk", "s3"])
def test_two_machines_send_what_is_due_once(lake: Lake, ops: Receiver, new_lake: Callable[[str], str], tmp_path: Path, where: str):
    """In a store they have no lock in common."""
    shared = lake if where == "disk" else Lake(new_lake(where))
    commit(shared, request("2026-05-12 10:00", list_cost_usd=Decimal(3)))
    run_round(weekly(shared), print, NOW)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ROUNDS, shared.name],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            env={**os.environ, "USAGECOST_CACHE": str(tmp_path / f"machine {place}")},
        )
        for place in range(2)
    ]
    for process in processes:
        process.stdin.close()

    assert [process.wait() for process in processes] == [0, 0]
    assert len(ops.came) == 1
    assert Counter(row["outcome"] for row in shared.rows("alerts").to_pylist() if row["channel"]) == {"claimed": 1, "sent": 1}


def test_without_the_library_that_draws_a_sentence_says_what_to_install(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    said = CliRunner().invoke(app, ["report", "--lake", lake.name])

    words = "Reports need vl-convert-python: python -m pip install -r requirements-report.txt.\n"
    assert (said.exit_code, said.stderr) == (1, words)


def test_a_dry_run_says_when_and_to_whom_and_whoever_is_not_named_is_asked_for(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    arguments = ["report", "--lake", lake.name, "--every", "daily-09:00", "--dry-run"]
    said = CliRunner().invoke(app, arguments)
    assert (said.exit_code, "name a channel with --send" in said.stderr) == (2, True)

    monkeypatch.setenv("USAGECOST_ALERT_OPS", "json://127.0.0.1:1")
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code == 0
    assert "UTC would be sent to ops, due on " in said.stdout
    assert Lake(lake.root).rows("alerts").num_rows == 0


def test_a_lake_without_requests_has_a_report_too(lake_of: Callable[..., str]):
    report = make_report(lake_of(), MAY, NOW)

    assert report.lines[-1] == "The lake is empty."
    assert letter_of(report).pictures == {}
