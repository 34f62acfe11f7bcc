"""Many readers at once: each clicks through tabs and date ranges of the page Usage and cost, while requests go on arriving.

    python tests/bench/readers.py --readers 50 --rows 2000000 --seconds 60

A server as users start it, on a lake of its own. Most readers speak to it over Streamlit's websocket, each with another filter
in its link; a few are real Chromium pages. First nothing is loaded, then `python -m usagecost ingest` loads a file every few
seconds. Readers think between clicks. A click counts from its sending until the run has ended; in Chromium until the page stands
still. Afterwards every value of every card is compared with SQL by hand over the files of the versions that the lake had
between the click and its answer, or shortly before: it has to be that of one of them. `processor` is the server's, in ms a click.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import duckdb
from playwright.sync_api import Page, sync_playwright

HOME = Path(__file__).parents[2]
sys.path.insert(0, str(HOME))

from make_lake import make_lake  # noqa: E402
from readers_session import RANGE, TABS, Session  # noqa: E402

from usagecost.lake import Lake  # noqa: E402
from usagecost.ui.version import HELD_SECONDS  # noqa: E402
from usagecost.vocabulary import CARDS, METRICS, spend_text  # noqa: E402

RANGES = {"Last 7 days": 7, "Last 14 days": 14, "Last 30 days": 30, "Last 90 days": 90}
TAB_NAMES = ("Totals", "Cost", "Model activity", "User activity")
OF_ONE = "Model activity"
"""The tab whose cards are those of one model."""
USERS, MODELS = 5_000, 60
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
ARRIVING = 200
"""Requests in each file that is loaded meanwhile."""

Filter = tuple[str, str] | None
"""What a reader's link asks for: a dimension and a value; None: everything."""

BY_HAND = """
SELECT {columns} count(*) AS requests, count(*) FILTER (status = 'success') AS successful,
       count(*) FILTER (status IN ('error', 'cancelled')) AS failed, sum(input_tokens)::bigint AS input_tokens,
       sum(output_tokens)::bigint AS output_tokens, sum(coalesce(reported_cost_usd, list_cost_usd)) AS spend_usd,
       count(*) FILTER (coalesce(reported_cost_usd, list_cost_usd) IS NULL) AS incomplete_requests,
       sum((duration_ms * 1000)::bigint)::bigint AS latency_us, count(duration_ms) AS timed_requests
FROM read_parquet($files) {group}
"""


@dataclass(frozen=True)
class Seen:
    """What a reader saw: the cards after a click, and between which versions of the lake they have to be."""

    filter: Filter
    days: int
    cards: tuple[str, ...]
    before: int
    after: int


@dataclass
class Notes:
    """What happened in a phase. Seconds of clicks; problems are words with how often they came."""

    clicks: list[float] = field(default_factory=list)
    in_browser: list[float] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)
    ingests: list[float] = field(default_factory=list)
    versions: list[tuple[float, int]] = field(default_factory=list)

    def shown_at_least(self, newest: int) -> int:
        """The oldest version that pages may show now: they change versions every `HELD_SECONDS` at most."""
        now = time.monotonic()
        self.versions.append((now, newest))
        held = [version for since, version in self.versions if since <= now - HELD_SECONDS]
        return held[-1] if held else self.versions[0][1]


async def reads(number: int, port: int, lake: Lake, notes: Notes, until: float, think: float) -> None:
    """One reader: opens a link, then clicks on a tab or a range after every pause, until the time is over."""
    random, days, tab, of = Random(number), 30, TAB_NAMES[0], filter_of(number)
    await asyncio.sleep(random.uniform(0, think))
    session = Session(port, range="Last 30 days", **dict([of] if of else []))
    try:
        await session.open()
        while time.monotonic() < until:
            await asyncio.sleep(random.uniform(0.5, 1.5) * think)
            label, option = (TABS, random.choice(TAB_NAMES)) if random.random() < 0.6 else (RANGE, random.choice(list(RANGES)))
            if RANGES.get(option) == days:  # a second click on a range would undo the first
                continue
            days, tab = RANGES.get(option, days), option if label == TABS else tab
            before = notes.shown_at_least(lake.version())
            drawn = await session.click(label, option)
            notes.clicks.append(drawn.seconds)
            notes.problems.update(drawn.problems)
            if tab != OF_ONE:
                notes.seen.append(Seen(of, days, tuple(drawn.metrics[: len(CARDS)]), before, lake.version()))
    except Exception as problem:
        notes.problems[f"{type(problem).__name__}: {problem}"] += 1
    finally:
        await session.close()


def filter_of(number: int) -> Filter:
    """A third of the readers look at everything, a third at one user each, a third at one model."""
    user, model = 1 + number, 1 + number % 40
    return (None, ("user", f"user-{user}@example.com"), ("model", f"model-{model}-of-provider-{model % 12}"))[number % 3]


def browse(port: int, pages: int, notes: Notes, until: float, think: float) -> None:
    """Real pages, clicked on in turn."""
    random = Random(pages)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        opened = [chromium.new_page(viewport={"width": 1440, "height": 1000}) for _ in range(pages)]
        for page in opened:
            page.on("pageerror", lambda error: notes.problems.update([f"browser: {error}"]))
            page.goto(f"http://127.0.0.1:{port}")
            page.get_by_role("tab", name=TAB_NAMES[0]).wait_for(timeout=60_000)
        while time.monotonic() < until:
            for page in opened:
                page.wait_for_timeout(think * 1000 / pages)
                try:
                    notes.in_browser.append(clicked(page, random.choice(TAB_NAMES)))
                except Exception as problem:
                    notes.problems[f"browser: {str(problem).splitlines()[0]}"] += 1
        chromium.close()


def clicked(page: Page, tab: str) -> float:
    """The seconds from a click on a tab until the page stands still."""
    start = time.perf_counter()
    page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(50)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return time.perf_counter() - start


def load(lake: Path, folder: Path, notes: Notes, until: float, every: float) -> None:
    """A new file into the lake every few seconds, by the command that people use."""
    for number in count():
        begun = time.monotonic()
        if begun > until:
            return
        file = folder / f"part-{number}.jsonl"
        file.write_text("\n".join(json.dumps(call(number, i)) for i in range(ARRIVING)))
        command = [sys.executable, "-m", "usagecost", "ingest", str(file), "--lake", str(lake)]
        done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
        notes.ingests.append(time.monotonic() - begun)
        if done.returncode:
            notes.problems[f"ingest: {done.stdout}{done.stderr}"] += 1
        time.sleep(max(0.0, begun + every - time.monotonic()))


def call(number: int, i: int) -> dict[str, Any]:
    """A request as LiteLLM's logger writes it, of the last minutes, by the readers' own users and models."""
    sent, model = time.time() - 300 + i, 1 + i % 40
    return {
        "id": f"chatcmpl-{number}-{i}", "call_type": "acompletion", "response_cost": i * 0.0001, "status": "success",
        "custom_llm_provider": f"provider-{model % 12}", "model": f"model-{model}-of-provider-{model % 12}",
        "prompt_tokens": 100 + i, "completion_tokens": i, "total_tokens": 100 + 2 * i, "startTime": sent, "endTime": sent + 1.5,
        "metadata": {"user_api_key_user_id": f"user-{1 + i % 50}@example.com"},
    }  # fmt: skip


class Recount:
    """The cards by SQL by hand over the files of one version of the lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake, self._today = lake, datetime.now(UTC).date()
        self._of = cache(self._counted)

    def agrees(self, seen: Seen) -> bool:
        """Whether the cards are those of a version that the lake had while the page was drawn."""
        return any(self._cards(seen, version) == seen.cards for version in range(seen.after, seen.before - 1, -1))

    def version_of(self, seen: Seen) -> int | None:
        """The version that the cards are of, if of any: what was shown too long says another thing than what was never true."""
        return next((one for one in range(self._lake.version(), 0, -1) if self._cards(seen, one) == seen.cards), None)

    def _cards(self, seen: Seen, version: int) -> tuple[str, ...]:
        sums = self._of(seen.days, version).get(seen.filter)
        if not sums:
            return tuple("0" if name == "requests" else "–" for name in CARDS)
        return tuple(spend_text(sums) if name == "spend_usd" else METRICS[name].format(METRICS[name].of(sums)) for name in CARDS)

    def _counted(self, days: int, version: int) -> dict[Filter, dict[str, Any]]:
        files = self._lake.snapshot(version).files(self._today - timedelta(days=days - 1), self._today)
        found: dict[Filter, dict[str, Any]] = {}
        with duckdb.connect() as con:
            for dimension, column in ((None, ""), ("user", "user_id"), ("model", "model")):
                sql = BY_HAND.format(columns=f"{column} AS value," if column else "", group=f"GROUP BY {column}" if column else "")
                for row in con.sql(sql, params={"files": list(files)}).to_arrow_table().to_pylist():
                    found[(dimension, row.pop("value")) if dimension else None] = row
        return found


@contextmanager
def served(lake: Path) -> Iterator[tuple[int, int]]:
    """The app on a lake: its port and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
    settings = os.environ | {"USAGECOST_LAKE": str(lake)}
    with subprocess.Popen(command, cwd=HOME, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                    break
                except OSError:
                    time.sleep(0.25)
            yield port, process.pid
        finally:
            process.terminate()


def processor_seconds(process: int) -> float:
    """What a process has had of the processor so far, in its own and the system's code."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def megabytes(process: int, what: str) -> float:
    """The memory of a process: VmRSS is what it has, VmHWM the most it ever had."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(what)).split()[1]) / 1024


def phase(port: int, lake: Lake, folder: Path, args: argparse.Namespace, *, loads: bool) -> Notes:
    """Everybody reads for some seconds; with or without somebody who loads."""
    notes, until = Notes(), time.monotonic() + args.seconds
    others = [threading.Thread(target=browse, args=(port, args.browsers, notes, until, args.think))] if args.browsers else []
    if loads:
        others.append(threading.Thread(target=load, args=(Path(lake.root), folder, notes, until, args.every)))
    for other in others:
        other.start()

    async def all_read() -> None:
        everybody = range(args.readers - args.browsers)
        await asyncio.gather(*(reads(number, port, lake, notes, until, args.think) for number in everybody))

    asyncio.run(all_read())
    for other in others:
        other.join()
    return notes


def percentiles(seconds: list[float]) -> str:
    """Median, 95th percentile and maximum in ms."""
    if len(seconds) < 2:
        return "– | – | –"
    cuts = quantiles(seconds, n=100, method="inclusive")
    return f"{cuts[49] * 1000:.0f} | {cuts[94] * 1000:.0f} | {max(seconds) * 1000:.0f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--browsers", type=int, default=2, help="so many of the readers are Chromium pages")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--seconds", type=float, default=60, help="of each phase")
    parser.add_argument("--think", type=float, default=10, help="seconds between two clicks of a reader, on average")
    parser.add_argument("--every", type=float, default=5, help="seconds between two files that are loaded")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary, "lake")
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        lake = make_lake(root, rows=args.rows, days=365, models=MODELS, users=USERS, end=tomorrow)
        recount = Recount(lake)
        print(f"{args.rows:,} requests; {args.readers} readers, {args.browsers} of them Chromium; {os.cpu_count()} cores, ms\n")
        heads = "median | p95 | most"
        print(f"| phase | clicks | {heads} | processor | Chromium | {heads} | ingests | wrong | errors | memory MB | load |")
        print("|---|" + "---:|" * 14)
        with served(root) as (port, process):
            for name, loads in (("caches fill", False), ("nothing arrives", False), ("requests arrive", True)):
                before = processor_seconds(process)
                notes = phase(port, lake, Path(temporary), args, loads=loads)
                a_click = (processor_seconds(process) - before) * 1000 / max(1, len(notes.clicks) + len(notes.in_browser))
                wrong = [seen for seen in notes.seen if not recount.agrees(seen)]
                print(
                    f"| {name} | {len(notes.clicks)} | {percentiles(notes.clicks)} | {a_click:.0f} | {len(notes.in_browser)} "
                    f"| {percentiles(notes.in_browser)} | {len(notes.ingests)} | {len(wrong)} | {notes.problems.total()} "
                    f"| {megabytes(process, 'VmRSS'):.0f} | {os.getloadavg()[0]:.0f} |",
                    flush=True,
                )
                for words, times in notes.problems.most_common(5):
                    print(f"  {times} × {words}", file=sys.stderr)
                for seen in wrong[:3]:
                    print(f"  wrong: {seen}, of version {recount.version_of(seen)}", file=sys.stderr)
            print(f"\nThe most memory of the server: {megabytes(process, 'VmHWM'):.0f} MB")


if __name__ == "__main__":
    main()
