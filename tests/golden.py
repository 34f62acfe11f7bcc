"""Every number that the product shows, at a fixed instant: on the sample, and on real logs where there are some.

    python -m tests.golden            # compares with tests/golden_numbers/*.json; tells what differs
    python -m tests.golden --write    # writes them anew: after a change that was meant to change numbers

Commands are run, and pages opened as Streamlit opens them; what cards, tables, downloads, charts and captions say is kept. Of a
table that is its columns, its rows' number, the sums of its numbers and a digest of all of it. The real logs are those in the
folder USAGECOST_REAL_DATA.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pandas as pd
import pyarrow as pa
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from tests.pages import quick_pages
from usagecost.cli import app
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sample import write_sample
from usagecost.ui import version

HOME = Path(__file__).parents[1]
KEPT = Path(__file__).parent / "golden_numbers"
NOW = datetime(2026, 11, 20, 13, 37, 41, tzinfo=UTC)

METRICS = (
    "requests", "success_rate", "input_tokens", "output_tokens", "spend_usd", "avg_latency_ms", "successful", "failed",
    "total_tokens", "cache_read_tokens", "cache_write_tokens", "incomplete_requests", "incomplete_tokens",
    "unpriced_requests", "unpriced_tokens", "list_cost_usd", "input_cost_usd", "cache_read_cost_usd", "cache_write_cost_usd",
    "output_cost_usd", "other_cost_usd", "cache_savings_usd", "cache_saved_usd", "cache_extra_usd", "failure_rate", "errors",
    "reasoning_tokens", "audio_tokens", "cache_read_share", "spend_per_request", "spend_per_million_tokens", "unpriced_share",
    "latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "avg_ttft_ms", "output_tokens_per_second", "active_users",
)  # fmt: skip
SPLITS = (
    "provider", "model", "user", "team", "key", "app", "environment", "status", "source", "error", "streaming", "tag",
    "hour_of_day", "weekday",
)  # fmt: skip
INTERVALS = ("hour", "day", "week", "month")
SIZES = (
    "input_tokens", "output_tokens", "spend_usd", "avg_latency_ms", "total_tokens", "cache_read_tokens", "cache_write_tokens",
    "avg_ttft_ms",
)  # fmt: skip
"""Metrics that are sizes of single requests."""

Said = dict[str, Any]
"""Where something is said -> what."""

_NEVER_THE_SAME = ("ingested_at", "ingest_id", "source_file")
"""Columns that tell when or where a lake was made."""


def number(text: str) -> str:
    """A number as texts are compared: the last digits of a quotient depend on the order of its sums."""
    try:
        return f"{float(text):.8g}" if "." in text or "e" in text else text
    except ValueError:
        return text


def summed(rows: Sequence[Sequence[str]], names: Sequence[str]) -> dict[str, str]:
    """The sum of each column that has only numbers."""
    sums = {}
    for name, *column in zip(names, *rows, strict=True):
        try:
            if any(column):
                sums[name] = f"{sum(float(cell) for cell in column if cell):.10g}"
        except ValueError:
            continue
    return sums


def table(text: str, *, is_ordered: bool = True) -> Said:
    """What is kept of a table that is written as CSV, and whether the order of its rows counts."""
    names, *rows = csv.reader(io.StringIO(text))
    places = [place for place, name in enumerate(names) if name not in _NEVER_THE_SAME]
    names, rows = [names[place] for place in places], [[number(row[place]) for place in places] for row in rows]
    if not is_ordered:
        rows.sort()
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
    return {"columns": names, "rows": len(rows), "sums": summed(rows, names), "digest": digest}


def chart(proto: Any) -> list[Said]:
    """The sums of the numbers that a chart is drawn of; of a course those of each of its parts."""
    frames = [pa.ipc.open_stream(dataset.data.data).read_pandas() for dataset in proto.datasets]
    return [course(frame) if {"interval", "name", "value"} <= {*frame} else drawn(frame) for frame in frames]


def drawn(frame: pd.DataFrame) -> Said:
    """The sum of each column of numbers."""
    columns = frame.select_dtypes("number")
    return {"rows": len(frame), **{str(name): f"{frame[name].astype(float).sum():.9g}" for name in columns}}


def course(frame: pd.DataFrame) -> Said:
    """The sum of each part over time."""
    parts = frame[frame["name"].notna()]
    return {"rows": len(parts), **{str(name): f"{of_name.sum():.9g}" for name, of_name in parts.groupby("name")["value"]}}


@contextmanager
def downloads(found: Said) -> Iterator[None]:
    """Makes every download as soon as it is offered, and keeps what is in it."""
    offer = st.download_button

    def made(label: str, data: Any, *args: Any, **kwargs: Any) -> bool:
        content = data() if callable(data) else data
        if str(kwargs.get("file_name")).endswith(".csv"):
            found[f"download {kwargs['key']}"] = table(content if isinstance(content, str) else content.decode())
        return offer(label, data, *args, **kwargs)

    with patch.object(st, "download_button", made):
        yield


def page(file: str, **link: str | list[str]) -> Said:
    """What a page says that is opened by a link."""
    found: Said = {}
    with downloads(found):
        test = AppTest.from_file(str(HOME / "app.py"), default_timeout=300)
        if file != "app.py":
            test.switch_page(f"pages/{file}")
        for name, value in link.items():
            test.query_params[name] = value
        test.run()
    if test.exception:
        raise RuntimeError(f"{file} {link}: {test.exception[0].value}")
    for place, card in enumerate(test.metric):
        found[f"card {place} {card.label}"] = [card.value, card.delta]
    for place, shown in enumerate(test.dataframe):
        found[f"table {place}"] = table(shown.value.to_csv(index=False))
    for place, drawn in enumerate(test.get("vega_lite_chart")):
        found[f"chart {place}"] = chart(drawn.proto)
    found["texts"] = [text.value for text in test.markdown if "|" in text.value]  # tables of a request: its tokens, rates and costs
    captions = [caption.value.replace("\\", "") for caption in test.caption]
    found["captions"] = [said for said in captions if re.search(r"\d", said) and "ago" not in said]
    return found


def command(lake: str, *words: str) -> Said:
    """What a command writes: a table of it if it is CSV, else its JSON."""
    done = CliRunner().invoke(app, [*words, "--lake", lake])
    if done.exit_code or done.exception:
        raise RuntimeError(f"{' '.join(words)}: {done.output}") from done.exception
    return table(done.stdout)


def parts(things: Sequence[str], size: int) -> list[Sequence[str]]:
    """The things, so many at a time."""
    return [things[place : place + size] for place in range(0, len(things), size)]


def every(option: str, values: Iterable[str]) -> list[str]:
    """An option that is given again and again."""
    return [word for value in values for word in (option, value)]


def commands(lake: str, days: Sequence[str], folder: Path) -> Iterator[tuple[str, Said]]:
    """What the command line says of a range of days."""
    of_days = ["--start", days[0], "--end", days[1]]
    for zone in ("UTC", "Europe/Berlin"):
        for by in (None, *SPLITS, *INTERVALS):
            split = ["--by", by] if by else []
            words = ["summary", *of_days, "--zone", zone, *split, *every("--metric", METRICS), "--format", "csv"]
            yield f"summary {zone} {by}", command(lake, *words)
    file = folder / "exported.csv"
    command_line = ["export", *of_days, "-o", str(file), "--lake", lake]
    done = CliRunner().invoke(app, command_line)
    if done.exit_code:
        raise RuntimeError(done.output)
    yield "export", table(file.read_text(), is_ordered=False)  # requests of one instant are in no order


def pages(links: dict[str, Any], model: str, user: str, request: str) -> Iterator[tuple[str, Said]]:
    """What the pages Usage and cost, Prices and Traces say."""
    for tab in ("Totals", "Model activity", "User activity"):
        yield f"usage {tab}", page("app.py", tab=tab, **links)
    for by in ("model", "provider", "team", "user", "key", "app"):
        yield f"usage Cost {by}", page("app.py", tab="Cost", by=by, top="5", **links)
    yield "usage Model", page("app.py", tab="Model activity", chosen_model=model, **links)
    for look in ("Table view", "Chart view"):
        yield f"usage User {look}", page("app.py", tab="User activity", chosen_user=user, look=look, **links)
    for part in ("Models", "Reported and list", "Cache", "Reprice"):
        yield f"prices {part}", page("4_Prices.py", part=part, **links)
    for part in ("Requests", "Errors"):
        yield f"traces {part}", page("1_Traces.py", part=part, **links)
    yield "traces request", page("1_Traces.py", request=request, **links)
    if "range" not in links:  # all time is compared with nothing
        for explained in ("spend_usd", "total_tokens", "requests", "avg_latency_ms"):
            for by in ("model", "team", "user"):
                yield f"why {explained} {by}", page("1_Why.py", explained=explained, moved_by=by, **links)


def dashboards(lake: str, links: dict[str, Any]) -> Iterator[tuple[str, Said]]:
    """What the boards that come with the app say, and boards of every metric, chart and split."""
    folder = Path(lake).parent / "boards"
    folder.mkdir(exist_ok=True)
    for board in ("overview", "cost", "reliability"):
        yield f"board {board}", page("2_Dashboards.py", board=board, **links)
    for name, panels in boards().items():
        for part, some in enumerate(parts(panels, 20)):
            (folder / f"{name}-{part}.toml").write_text("\n".join([f'title = "{name} {part}"', *some]))
            yield f"board {name} {part}", page("2_Dashboards.py", board=f"{name}-{part}.toml", **links)


def panel(chart_: str, metrics: Sequence[str], split: str | None = None) -> str:
    """A panel as a board's file says it."""
    lines = ["[[panel]]", f"metrics = {json.dumps(list(metrics))}", f'chart = "{chart_}"', "top = 4"]
    return "\n".join([*lines, *([f'split = "{split}"'] if split else [])])


def boards() -> dict[str, list[str]]:
    """Boards that together show every metric, chart and split."""
    sixes = parts(METRICS, 6)
    return {
        "numbers": [panel("number", some) for some in sixes],
        "tables": [panel("table", some, "model") for some in sixes] + [panel("table", some) for some in sixes],
        "splits": [panel("table", sixes[0], split) for split in SPLITS],
        "lines": [panel("line", [metric]) for metric in METRICS],
        "models": [panel("line", [metric], "model") for metric in METRICS],
        "ranked": [panel("ranked", [metric], "provider") for metric in METRICS],
        "bars": [panel("bar", ["spend_usd"], split) for split in SPLITS],
        "areas": [panel("area", [metric], "status") for metric in ("requests", "latency_p95_ms", "active_users", "avg_ttft_ms")],
        "weeks": [panel("heatmap", [metric]) for metric in METRICS],
        "sizes": [panel("histogram", [metric]) for metric in SIZES]
        + [panel("scatter", ["input_tokens", "avg_latency_ms"], split) for split in (None, "model")],
    }


def of_sample(folder: Path) -> Iterator[tuple[str, Said]]:
    """All that is said of the sample."""
    lake = str(folder / "lake")
    write_sample(lake, NOW)
    os.environ["USAGECOST_LAKE"] = lake
    yield from commands(lake, ("2026-10-22", "2026-11-20"), folder)
    for metric in ("spend_usd", "total_tokens", "requests", "avg_latency_ms"):
        for by in ("model", "team"):
            words = ["--start", "2026-10-22", "--end", "2026-11-20", "--explain", "--metric", metric, "--by", by, "--format", "csv"]
            yield f"explain {metric} {by}", command(lake, "summary", *words)
    yield from pages({}, "claude-opus-5", "hugo.martin@example.com", "req_d8da5af2b88ab46d")
    views = {
        "a day of Berlin": {"range": "Custom range", "days": ["2026-11-18", "2026-11-18"], "zone": "Europe/Berlin"},
        "last month": {"range": "Last month", "basis": "List price only", "zone": "America/New_York"},
        "all time": {"range": "All time", "interval": "Week", "basis": "Reported only"},
        "filtered": {"provider": "anthropic", "not_status": "error"},
    }
    for name, links in views.items():
        for tab in ("Totals", "Cost", "User activity"):
            yield f"usage {name} {tab}", page("app.py", tab=tab, **links)
    yield from dashboards(lake, {})
    yield "board cost last month", page("2_Dashboards.py", board="cost", **views["last month"])


def of_real_logs(logs: Path, folder: Path) -> Iterator[tuple[str, Said]]:
    """All that is said of real logs."""
    lake = str(folder / "lake")
    report = ingest([logs / name for name in ("claude-code", "ccusage", "langfuse", "litellm", "otel")], Lake(lake))
    yield "report", {name: getattr(report, name) for name in ("lines", "requests", "inserted", "duplicates", "skipped", "rejected")}
    os.environ["USAGECOST_LAKE"] = lake
    yield from commands(lake, ("2023-01-01", "2026-11-20"), folder)
    yield from pages({"range": "All time"}, "claude-opus-4-5-20251101", "user_123", "18fe2bd55614a837d4ed68b05f487789")
    for board in ("overview", "cost", "reliability"):
        yield f"board {board}", page("2_Dashboards.py", board=board, range="All time")


def said_of(name: str) -> Said | None:
    """All that is said of a lake, by where; None where there are no such logs."""
    with TemporaryDirectory() as folder, quick_pages(), patch.object(version, "_first_asked", lambda *_: NOW):
        if name == "sample":
            return dict(of_sample(Path(folder)))
        logs = os.environ.get("USAGECOST_REAL_DATA")
        return dict(of_real_logs(Path(logs), Path(folder))) if logs else None


def written(said: Said) -> str:
    """What is said as JSON, a line for each place."""
    places = (f"{json.dumps(where)}: {json.dumps(said[where], ensure_ascii=False, sort_keys=True)}" for where in sorted(said))
    return "{\n" + ",\n".join(places) + "\n}\n"


def is_close(kept: Any, found: Any) -> bool:
    """Whether two numbers are the same but for the order in which they were summed up."""
    try:
        return isclose(float(kept), float(found), rel_tol=1e-6)
    except (TypeError, ValueError):
        return False


def differences(kept: Any, found: Any, where: str = "") -> Iterator[str]:
    """Where two things that are said differ, in a line each."""
    if isinstance(kept, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*kept, *found]):
            yield from differences(kept.get(key), found.get(key), f"{where} › {key}" if where else key)
    elif isinstance(kept, list) and isinstance(found, list) and len(kept) == len(found):
        for place, (one, other) in enumerate(zip(kept, found, strict=True)):
            yield from differences(one, other, f"{where} › {place}")
    elif kept != found and not is_close(kept, found):
        yield f"{where}: {json.dumps(kept, ensure_ascii=False)} -> {json.dumps(found, ensure_ascii=False)}"


def main() -> int:
    """Compares or writes; the exit status is 1 if something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("lakes", nargs="*", default=["sample", "real"])
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit says in each that there is no browser
    os.environ |= {"USAGECOST_ZONE": "UTC", "USAGECOST_WEEK_START": "monday"}
    failed = 0
    for name in arguments.lakes:
        said, file = said_of(name), KEPT / f"{name}.json"
        if said is None:
            print(f"{name}: no logs, set USAGECOST_REAL_DATA to a folder of them")
        elif arguments.write:
            file.write_text(written(said))
        else:
            differing = list(differences(json.loads(file.read_text()), json.loads(json.dumps(said))))
            print(*differing[:200], f"{name}: {len(said)} places, {len(differing)} numbers differ", sep="\n")
            failed += bool(differing)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
