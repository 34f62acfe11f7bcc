"""The FOCUS export of a lake: how long it takes, and what focus-validator says to it.

python3.12 -m venv /tmp/fv && /tmp/fv/bin/pip install focus-validator      # wants Python 3.12 and packages of its own
python tests/bench/focus.py --lake LAKE --first 2026-11-01 --last 2026-11-30 [--python /tmp/fv/bin/python]

The validator checks 1.2 by the model that it brings, and downloads nothing, by the criteria of which the file says something.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from usagecost.bills import write_focus
from usagecost.lake import Lake
from usagecost.periods import WHOLE, Period
from usagecost.vocabulary.filters import View

CRITERIA = (
    "USAGE_MEASUREMENT_SUPPORTED", "PUBLIC_PRICE_LIST_SUPPORTED", "NEGOTIATED_PRICING_SUPPORTED", "UNIT_PRICING_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED", "ACCOUNT_NAMING_SUPPORTED",
)  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--lake", required=True)
    asked.add_argument("--first", type=date.fromisoformat, required=True)
    asked.add_argument("--last", type=date.fromisoformat, required=True)
    asked.add_argument("--python", help="The Python of the environment that has focus-validator.")
    said = asked.parse_args()
    view = View(said.lake, Lake(said.lake).version(), Period(said.first, said.last, "UTC", datetime.now(UTC)), WHOLE, "best")
    with TemporaryDirectory() as folder:
        file = Path(folder, "focus.parquet")
        began, worked = time.perf_counter(), time.process_time()
        written = write_focus(view, "1.2", file, "parquet")
        print(f"{written.rows:,} rows, {written.unpriced:,} of them without a cost, {file.stat().st_size / 1e6:.1f} MB")
        print(f"{time.process_time() - worked:.1f} s of the processor, {time.perf_counter() - began:.1f} s")
        if said.python:
            validate(said.python, file)


def validate(python: str, file: Path) -> None:
    """Print the counts of the validator, and the rules that fail. It looks for its files where it is started."""
    found = "import focus_validator; print(focus_validator.__path__[0])"
    package = subprocess.run([python, "-c", found], check=True, capture_output=True, text=True).stdout.strip()
    command = [python, "-m", "focus_validator.main", "--data-file", str(file), "--validate-version", "1.2", "--block-download"]
    command += ["--applicability-criteria", ",".join(CRITERIA)]
    report = subprocess.run(command, cwd=Path(package).parent, capture_output=True, text=True, check=False).stdout
    print("\n".join(line for line in report.splitlines() if line.startswith("Total:") or ": FAIL" in line))


if __name__ == "__main__":
    main()
