"""Statements in the lake: which files are one, loading one, and listing them.

A statement's id is of its contents: loaded again, from whatever file, it is kept once, as of the latest time at which it was made,
since a vendor may go back to what it told before. Which lines count is the law of `coverage`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usagecost import schema
from usagecost.bills.coverage import current
from usagecost.bills.reading import Bill, read_bill
from usagecost.lake import Lake
from usagecost.vocabulary.formats import counted

_SHARD = re.compile(r"(?P<stem>.*?)[-_.]?(?<!\d)(?P<number>0\d{3,})(?P<end>\D*)")
"""Names that files into which an export is cut have: name-00001.csv.gz, part_0_0001.csv, name-000000000000.json.gz.

Days and accounts look like them, -0831 and -000123456789: parts are those whose numbers run from 0 or 1 without a gap.
"""


@dataclass(frozen=True)
class Loaded:
    """What a statement says, and what came of loading it.

    ``is_new`` is false where the statement was there, as of that time or a later one. ``totals`` are amounts by currency and kind.
    ``left_out`` counts lines of the file that are not about models, by the reason. ``sentences`` are what a person has to know
    about lines of the provider that do not count, or may count twice.
    """

    statement: str
    title: str
    providers: tuple[str, ...]
    accounts: tuple[str, ...]
    first_day: date
    last_day: date
    lines: int
    is_new: bool
    totals: Mapping[tuple[str, str], Decimal]
    left_out: Mapping[str, int]
    sentences: tuple[str, ...]

    @property
    def words(self) -> str:
        """What came of loading it, in words."""
        return f"statement {self.statement}: {counted(self.lines, 'line')}{'' if self.is_new else ', there already'}"


@dataclass(frozen=True)
class Statement:
    """One statement of the lake: how many of its lines count today, and its amounts by currency, taxes and credits included."""

    statement: str
    format: str
    provider: str
    account: str | None
    covers_first: date
    covers_last: date
    as_of: datetime
    loaded_at: datetime
    lines: int
    counting: int
    totals: Mapping[str, Decimal]


def statement_files(paths: Iterable[Path]) -> list[tuple[Path, ...]]:
    """The files of each statement in some files and folders: those into which an export was cut are one.

    One of several such files stands for all that lie beside it, as a part of a bill would replace the whole. Hidden files are not
    looked at.
    """
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    found: dict[Path, tuple[Path, ...]] = {}
    for file in files:
        if file.is_dir() or file.name.startswith("."):
            continue
        parts = _parts(file)
        found.setdefault(parts[0], parts)
    return list(found.values())


def _parts(file: Path) -> tuple[Path, ...]:
    """The files of the export that a file is a part of, in their order; of a whole one the file."""
    cut = _SHARD.fullmatch(file.name)
    if not cut or not file.exists():
        return (file,)
    beside = ((other, _SHARD.fullmatch(other.name)) for other in sorted(file.parent.iterdir()))
    parts = {
        other: int(match["number"]) for other, match in beside if match and match.group("stem", "end") == cut.group("stem", "end")
    }
    numbers = sorted(parts.values())
    is_cut = numbers[0] <= 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return tuple(parts) if is_cut else (file,)


def load_files(
    lake: Lake, files: Sequence[Path], *, name: str | None = None, account: str | None = None, as_of: datetime | None = None
) -> Loaded:
    """Load the statement of some files, as `statement_files` finds them; raises BillProblem, or LakeError.

    The other values are as in `read_bill`.
    """
    return keep(lake, read_bill(files, name=name, account=account, as_of=as_of))


def keep(lake: Lake, bill: Bill) -> Loaded:
    """Keep a statement in the lake, unless it is there as of its time or a later one; raises LakeError."""
    lines = bill.lines
    field = schema.BILLS.field("loaded_at")
    loaded_at = pa.repeat(pa.scalar(datetime.now(UTC), field.type), lines.num_rows)
    added = lake.keep_rows("bills", lines.append_column(field, loaded_at).select(schema.BILLS.names).cast(schema.BILLS))
    providers = tuple(sorted(pc.unique(lines["provider"]).to_pylist()))
    return Loaded(
        statement=bill.statement,
        title=bill.title,
        providers=providers,
        accounts=tuple(sorted(filter(None, pc.unique(lines["account"]).to_pylist()))),
        first_day=lines["covers_first"][0].as_py(),
        last_day=lines["covers_last"][0].as_py(),
        lines=lines.num_rows,
        is_new=added > 0,
        totals={(row["currency"], row["kind"]): row["amount_sum"] for row in _grouped(lines, ["currency", "kind"])},
        left_out=bill.left_out,
        sentences=current(lake.rows("bills", pc.field("provider").isin(providers))).sentences,
    )


def statements(lake: Lake) -> list[Statement]:
    """The statements of the lake by provider and day: one for each provider and account that a statement is about."""
    lines = lake.rows("bills")
    counts = {_about(row): row["amount_count"] for row in _grouped(current(lines).lines, _ABOUT)}
    rows_of: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in _grouped(lines, [*_ABOUT, *_WHOLE, "currency"]):
        rows_of[_about(row)].append(row)
    listed = [
        Statement(
            **{name: rows[0][name] for name in (*_ABOUT, *_WHOLE)},
            lines=sum(row["amount_count"] for row in rows),
            counting=counts.get(about, 0),
            totals={row["currency"]: row["amount_sum"] for row in rows},
        )
        for about, rows in rows_of.items()
    ]
    return sorted(listed, key=lambda one: (one.provider, one.account or "", one.covers_first, one.as_of))


_ABOUT = ["statement", "provider", "account"]
_WHOLE = ["format", "covers_first", "covers_last", "as_of", "loaded_at"]


def _about(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _ABOUT)


def _grouped(lines: pa.Table, keys: list[str]) -> list[dict[str, Any]]:
    """The lines by some columns: how many they are, and their amounts, with room for the sum."""
    columns = lines.select(keys).append_column("amount", lines["amount"].cast(pa.decimal128(38, 9)))
    return columns.group_by(keys).aggregate([("amount", "sum"), ("amount", "count")]).to_pylist()
