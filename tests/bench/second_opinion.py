"""A second opinion on list prices: ours beside the price table of the `litellm` package, for every model that both know.

pip install -r requirements.txt -r tests/bench/requirements-second-opinion.txt
python tests/bench/second_opinion.py [--table FILE] > report.md

One request a model and kind of token, priced by us as an ingest prices it and by their table by hand: 1,000 tokens of one kind,
sent now, below every tier. What differs by more than 1 % is listed with what the two tables say, and counted by cause.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[2]))

from usagecost.pricing import prices_version, resolve, with_prices
from usagecost.schema import REQUESTS

TOKENS = 1_000
SMALL = Decimal("0.01")
REGIONAL = Decimal("1.1")
TABLE = "model_prices_and_context_window_backup.json"
MODES = {"chat", "completion", "responses", "embedding"}
KINDS = {
    "input": ({"input_tokens": TOKENS, "output_tokens": 0}, ("input_cost_per_token",)),
    "output": ({"input_tokens": 0, "output_tokens": TOKENS}, ("output_cost_per_token",)),
    "cache read": (
        {"input_tokens": TOKENS, "cache_read_tokens": TOKENS, "output_tokens": 0},
        ("cache_read_input_token_cost", "input_cost_per_token"),
    ),
    "cache write": (
        {"input_tokens": TOKENS, "cache_write_tokens": TOKENS, "output_tokens": 0},
        ("cache_creation_input_token_cost", "input_cost_per_token"),
    ),
}
"""Kind of token -> the request that has only it, and the names of its rate in their table: the first that is there holds."""


@dataclass(frozen=True)
class Difference:
    """One model and kind of token of which the two tables say different prices, in USD for a million tokens."""

    name: str
    means: str
    kind: str
    ours: Decimal
    theirs: Decimal
    cause: str


def table_file() -> Path:
    """Where the installed package keeps its table; the package itself is not imported."""
    found = importlib.util.find_spec("litellm")
    if found is None or found.origin is None:
        sys.exit(
            "litellm is not installed: pip install -r tests/bench/requirements-second-opinion.txt, or name its table by --table"
        )
    return Path(found.origin).with_name(TABLE)


def known_to_both(table: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Their entries of models that bill tokens and that our price list knows."""
    return {
        name: entry
        for name, entry in table.items()
        if entry.get("mode") in MODES
        and isinstance(entry.get("input_cost_per_token"), int | float)
        and resolve(entry.get("litellm_provider"), name)
    }


def our_costs(entries: dict[str, dict[str, Any]]) -> dict[tuple[str, str], Decimal | None]:
    """(name, kind) -> what the request of that kind costs by our list; None where it has no price."""
    rows = [
        {
            "source": kind,
            "request_id": name,
            "rank": 0,
            "started_at": datetime.now(UTC),
            "provider": entry["litellm_provider"],
            "model": name,
            **tokens,
        }
        for name, entry in entries.items()
        for kind, (tokens, _) in KINDS.items()
    ]
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("staged", pa.Table.from_pylist(rows, pa.schema([field.with_nullable(True) for field in REQUESTS])))
    found = con.sql(f"SELECT request_id, source, list_cost_usd FROM ({with_prices(con, 'staged')})").fetchall()
    return {(name, kind): cost for name, kind, cost in found}


def differences(entries: dict[str, dict[str, Any]]) -> tuple[int, list[Difference]]:
    """How many prices were compared, and those that differ by more than 1 %."""
    compared, found = 0, []
    for (name, kind), ours in our_costs(entries).items():
        entry, rates = entries[name], KINDS[kind][1]
        rate = next((entry[key] for key in rates if isinstance(entry.get(key), int | float)), None)
        if ours is None or rate is None:
            continue
        compared += 1
        theirs = Decimal(str(rate)) * TOKENS
        if abs(ours - theirs) > SMALL * max(ours, theirs):
            match = resolve(entry["litellm_provider"], name)
            means = f"{match.provider.id}/{match.model.id}" if match else ""
            found.append(Difference(name, means, kind, ours * 1000, theirs * 1000, _cause(entry, kind, ours, theirs, match)))
    return compared, found


def _cause(entry: dict[str, Any], kind: str, ours: Decimal, theirs: Decimal, match: Any) -> str:
    """What a difference comes from, as far as the two tables tell."""
    if KINDS[kind][1][0] not in entry:
        return f"their table has no {kind} rate and bills it as input"
    if not ours or not theirs:
        return "free in one table, priced in the other"
    if kind.startswith("cache") and ours == TOKENS * Decimal(str(entry["input_cost_per_token"])):
        return f"our list has no {kind} rate and bills it as input"
    if match and match.status == "alias":
        return "the name is an alias: a variant, a region or an older version that one table prices apart"
    ratio = max(ours, theirs) / min(ours, theirs)
    if ratio == REGIONAL and ours > theirs:
        return "our list has the price of an endpoint in a region, a tenth more"
    if ratio in (2, 10, 1000):
        return f"a factor of {int(ratio)}: another tier, a batch price, or a slip in one table"
    return "another price: the tables are of different days or follow different sources"


def report(compared: int, models: int, found: list[Difference]) -> str:
    """The report as Markdown."""
    lines = [f"{models:,} models, {compared:,} prices compared ({prices_version()}); {len(found):,} differ by more than 1 %.", ""]
    lines += ["| cause | prices |", "|---|---:|"]
    lines += [f"| {cause} | {count} |" for cause, count in Counter(one.cause for one in found).most_common()]
    lines += ["", "| model | priced as | kind | ours, USD / M | theirs, USD / M | cause |", "|---|---|---|---:|---:|---|"]
    for one in sorted(found, key=lambda one: (one.cause, one.name, one.kind)):
        rates = f"{one.ours.normalize():f} | {one.theirs.normalize():f}"
        lines.append(f"| {one.name} | {one.means} | {one.kind} | {rates} | {one.cause} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="the table's file, instead of the installed package's")
    file = parser.parse_args().table or table_file()
    entries = known_to_both(json.loads(file.read_text()))
    compared, found = differences(entries)
    sys.stdout.write(report(compared, len(entries), found) + "\n")


if __name__ == "__main__":
    main()
