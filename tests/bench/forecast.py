"""A back-test of the forecast: each method, the one that is chosen, and the Holt-Winters method of `statsmodels`.

pip install -r requirements.txt -r tests/bench/requirements-forecast.txt
python tests/bench/forecast.py [--logs FOLDER] [--ahead 7,15,30] [--step 13] > report.md

Series: invented ones of a year, the sample's spend (whole, teams, models), and of FOLDER (else of USAGECOST_REAL_DATA) the spend of
real sessions, and requests of two production services: these are of one hour, of which 15 seconds are taken for a day. From every
so many days of a series the sum of the days ahead is forecast by what was known before. An error is that of the sum, as a share of
the mean sum.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.holtwinters import ExponentialSmoothing

sys.path.insert(0, str(Path(__file__).parents[2]))

from usagecost import forecast
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.periods import Period
from usagecost.queries.folds import Usage, rows
from usagecost.queries.forecasts import as_of_today, history
from usagecost.sample import write_sample
from usagecost.vocabulary.filters import View

Floats = NDArray[np.float64]

FITTED_DAYS = 182
TRACE_SECONDS = 15
USD_PER_TOKEN = {"ContextTokens": 2.5e-6, "GeneratedTokens": 10e-6}
OURS, RUN_RATE, HOLT_WINTERS = "chosen", "run-rate", "Holt-Winters"
WORKING_WEEK = (1.1, 1.2, 1.15, 1.1, 1.0, 0.35, 0.3)


@dataclass
class Score:
    """Errors by method, the sums that were to be forecast, how often the margin covered one, and seconds a forecast."""

    errors: dict[str, list[float]] = field(default_factory=dict)
    sums: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, method: str, error: float) -> None:
        self.errors.setdefault(method, []).append(abs(error))

    def shares(self) -> dict[str, float]:
        """The mean error of each method as a share of the mean sum."""
        return {method: float(np.mean(errors) / np.mean(self.sums)) for method, errors in self.errors.items()}


def invented(days: int = 365) -> dict[str, Floats]:
    """A year of spend a day, of shapes that spend has."""
    random, day = np.random.default_rng(1), np.arange(days)
    week = np.tile(WORKING_WEEK, days // 7 + 1)[:days]

    def noise(size: float) -> Floats:
        return random.lognormal(0, size, days)

    return {
        "steady": 100 * week * noise(0.1),
        "noisy": 100 * week * noise(0.4),
        "no weekends": 100 * noise(0.15),
        "grows 2.2 times in 120 days": 40 * week * 2.2 ** (day / 120) * noise(0.1),
        "halves in 120 days": 400 * week * 0.5 ** (day / 120) * noise(0.1),
        "jumps each four weeks": 100 * week * np.repeat(np.cumprod(random.choice([0.6, 1, 1.6], 14)), 28)[:days] * noise(0.1),
        "wanders": 100 * week * np.exp(np.cumsum(random.normal(0, 0.04, days))) * noise(0.1),
        "has runaway days": 100 * week * noise(0.1) + (random.random(days) < 0.02) * random.lognormal(6.5, 0.5, days),
        "used one day in five": (random.random(days) < 0.2) * random.lognormal(3, 1, days),
        "doubles at month ends": 100 * week * np.where(day % 30 > 24, 2, 1) * noise(0.1),
        "stops": np.where(day < 300, 100 * week * noise(0.1), 0),
    }


def of_lake(lake: Lake, root: str, now: datetime, splits: Sequence[str]) -> Iterator[tuple[str, Floats]]:
    """The spend a day of a lake: of the whole, and of the four most expensive values of some splits."""
    view = as_of_today(View(root, lake.version(), Period(now.date(), now.date(), "UTC", now), "day", "best"))
    whole = history(view)
    yield "whole", spend(whole)
    for split in splits:
        usage = history(view, split=split)
        for number, value in enumerate(usage.named_values[:4], 1):
            yield f"{split} {number}", spend(usage.of_value(value))


def spend(usage: Usage) -> Floats:
    """The spend of each complete day since the first that has requests."""
    sums = rows(usage.over_time)[:-1]
    first = next(place for place, row in enumerate(sums) if row["requests"])
    return np.array([float(row["spend_usd"] or 0) for row in sums[first:]])


def lakes(logs: Path | None) -> Iterator[tuple[str, Floats]]:
    """The series of the sample and of real sessions."""
    with TemporaryDirectory() as folder:
        now = datetime(2026, 11, 20, tzinfo=UTC)
        write_sample(f"{folder}/sample", now)
        for name, series in of_lake(Lake(f"{folder}/sample"), f"{folder}/sample", now, ("team", "model")):
            yield f"sample: {name}", series
        if logs:
            ingest([logs / "claude-code"], Lake(f"{folder}/real"))
            for name, series in of_lake(Lake(f"{folder}/real"), f"{folder}/real", datetime(2026, 2, 13, tzinfo=UTC), ()):
                yield f"real sessions: {name}", series


def traces(folder: Path) -> Iterator[tuple[str, Floats]]:
    """The cost of the traces' tokens in each 15 seconds."""
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="") as lines:
            requests = list(csv.DictReader(lines))
        times = [datetime.fromisoformat(row["TIMESTAMP"][:26]) for row in requests]
        steps = [int((time - times[0]).total_seconds() // TRACE_SECONDS) for time in times]
        costs = [sum(int(row[name]) * usd for name, usd in USD_PER_TOKEN.items()) for row in requests]
        yield f"production: {file.stem.rsplit('_', 1)[-1]}", np.bincount(steps, costs)[:-1]


def holt_winters(past: Floats, ahead: int) -> Floats:
    """Additive, with a damped trend and a week as the season; parameters and beginnings are fitted."""
    model = ExponentialSmoothing(past[-FITTED_DAYS:], trend="add", damped_trend=True, seasonal="add", seasonal_periods=7)
    return np.asarray(model.fit().forecast(ahead))


def back_test(series: Floats, ahead: int, step: int) -> Score:
    """Forecasts the days ahead from every so many days of a series. A period is chosen that ends so many days later."""
    score, last = Score(), date(2026, 1, 31)
    today = last - timedelta(days=ahead - 1)
    for place in range(forecast.LEAST_DAYS + forecast.LEAST_TESTS - 1 + ahead, len(series) - ahead + 1, step):
        past, actual = series[:place], float(series[place : place + ahead].sum())
        score.sums.append(actual)
        begun = perf_counter()
        found = forecast.forecast(past.tolist(), today - timedelta(days=place), 0.0)
        middle = perf_counter()
        theirs = holt_winters(past, ahead)
        score.seconds = {OURS: middle - begun, HOLT_WINTERS: perf_counter() - middle}
        assert isinstance(found, forecast.Forecast)
        expected = sum(day.amount for day in found.path)
        weeks = np.concatenate([np.full(forecast.WEEK * forecast.WEEKS, np.nan), past])[-forecast.WEEK * forecast.WEEKS :]
        for name, method in forecast.METHODS.items():
            days = method(weeks.reshape(1, forecast.WEEKS, forecast.WEEK), ahead // forecast.WEEK + 1).ravel()[:ahead]
            score.add(name, days.sum() - actual)
        score.add(RUN_RATE, past[-4 * forecast.WEEK :].mean() * ahead - actual)
        score.add(OURS, expected - actual)
        score.add(HOLT_WINTERS, max(0.0, float(theirs.sum())) - actual)
        score.covered.append(abs(expected - actual) <= found.margin + 1e-9)
    return score


def main() -> None:
    """Writes a table for each number of days ahead."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, default=os.environ.get("USAGECOST_REAL_DATA"))
    parser.add_argument("--ahead", default="7,15,30")
    parser.add_argument("--step", type=int, default=13)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of fits that do not converge
    logs = Path(arguments.logs) if arguments.logs else None
    series = {**invented(), **dict(lakes(logs)), **(dict(traces(logs / "azure-llm-inference-2023")) if logs else {})}
    for ahead in map(int, arguments.ahead.split(",")):
        scores = {name: back_test(amounts, ahead, arguments.step if len(amounts) > 200 else 4) for name, amounts in series.items()}
        write(ahead, {name: score for name, score in scores.items() if score.sums})


def write(ahead: int, scores: dict[str, Score]) -> None:
    """The table: a row for each series, and the means and medians of all."""
    methods = [RUN_RATE, *forecast.METHODS, OURS, HOLT_WINTERS]
    shares = {name: score.shares() for name, score in scores.items()}
    print(f"\n{ahead} days ahead\n\n| series | forecasts | {' | '.join(methods)} | covered |")
    print(f"|---|{'---:|' * (len(methods) + 2)}")
    for name, score in scores.items():
        cells = [f"{shares[name][method]:.1%}" for method in methods]
        print(f"| {name} | {len(score.sums)} | {' | '.join(cells)} | {np.mean(score.covered):.0%} |")
    for word, fold in (("mean", np.mean), ("median", np.median)):
        cells = [f"{fold([share[method] for share in shares.values()]):.1%}" for method in methods]
        covered = f"{np.mean([flag for score in scores.values() for flag in score.covered]):.0%}" if word == "mean" else ""
        print(f"| **{word}** | | {' | '.join(cells)} | {covered} |")
    seconds = [np.mean([score.seconds[method] for score in scores.values()]) * 1000 for method in (OURS, HOLT_WINTERS)]
    print(
        f"\nA forecast takes {seconds[0]:.0f} ms, with its errors in months before; Holt-Winters {seconds[1]:.0f} ms.", flush=True
    )


if __name__ == "__main__":
    main()
