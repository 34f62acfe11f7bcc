"""What is killed of closing months and of alerts: what was closed stays as it was, and each alert is recorded and told."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

from tests.killed import Act
from tests.killed_feeds import Feed
from tests.lake_rows import commit, stored
from tests.views import instant, request
from tests.webhook import Receiver
from usagecost.alerts import read_ledger
from usagecost.budgets import NAME
from usagecost.lake import Selection


class Closes(Feed):
    """`close` of one month after the other, while late requests come for closed ones."""

    def __init__(self, folder: Path, drawn: random.Random) -> None:
        super().__init__(folder, drawn)
        self._closed: dict[str, bytes] = {}
        self._next = self._filled = 0

    def _row(self, year: int, month: int, name: str) -> dict[str, object]:
        self.written.add(name)
        return request(f"{year}-{month:02}-07 10:00", request_id=name, team_id="t", model="m", list_cost_usd=Decimal("1.25"),
                       price_status="exact")  # fmt: skip

    def _month(self, place: int) -> str:
        return f"{2010 + place // 12}-{1 + place % 12:02}"

    def _words(self, month: str) -> tuple[str, ...]:
        return "command", "close", month, "--out", str(self.folder / "out"), "--lake", self.lake.name

    def arrive(self, number: int) -> tuple[object, ...]:
        if self._next == self._filled:
            self._filled += 12
            commit(self.lake, *(self._row(2010 + self._next // 12, 1 + month, f"m{self._next + month}") for month in range(12)))
        if number % 5 == 4 and self._next:
            place = self.drawn.randrange(self._next)
            commit(self.lake, self._row(2010 + place // 12, 1 + place % 12, f"late{number}"))
        return self._words(self._month(self._next))

    def between(self) -> list[str]:
        closed = [row["month"] for row in self.lake.rows("closes").to_pylist() if row["kind"] == "closed"]
        files = {file.name: file.read_bytes() for file in sorted((self.folder / "out").glob("*.parquet"))}
        changed = sum(files.get(name) != content for name, content in self._closed.items())
        broken = 0
        for file in sorted((self.folder / "out").glob("*.parquet")):
            try:
                pq.read_table(file)
            except Exception:
                broken += 1
        doubled = len(closed) - len(set(closed))
        self._closed = files
        if len(files) > self._next:
            self._next += 1
        counts = {"months closed twice": doubled, "statements that changed": changed, "half statements": broken}
        return [*super().between(), *self._problems(counts)]

    def finish(self, act: Act) -> None:
        assert act(*self._words(self._month(self._next))) == 0
        self._next += 1

    def wrong(self) -> list[str]:
        """Every request up to the last closed month is in one statement, late ones as corrections."""
        last = instant(f"{self._month(self._next)}-01")
        due = sum(at < last for at in stored(self.lake)["started_at"].to_pylist())
        told = sum(sum(count or 0 for count in pq.read_table(file)["requests"].to_pylist())
                   for file in (self.folder / "out").glob("*.parquet"))  # fmt: skip
        return [*super().wrong(), *self._problems({"requests more or less in the statements": due - told})]


class Alerts(Feed):
    """Rounds of alerts, while late data crosses thresholds, and removals resolve them."""

    TEAMS = 100
    NOW = instant("2026-05-04 12:00")
    BUDGET = '[[budget]]\nname = "{0}"\namount = 10\nonly = {{ team = ["{0}"] }}\nforecast = []\ntell = ["ops"]\n'
    AMOUNTS = (("8.50", ("80",)), ("10.50", ("80", "100")))
    """What a team spends, and the thresholds in percent that this crosses."""

    def __init__(self, folder: Path, drawn: random.Random, receiver: Receiver) -> None:
        super().__init__(folder, drawn)
        self._receiver = receiver
        self._teams = [f"t{number}" for number in range(self.TEAMS)]
        self._spent: list[tuple[str, tuple[str, ...]]] = []
        self._expected: set[tuple[str, str, str]] = set()
        self._minute = 0
        (folder / NAME).write_text("\n".join(self.BUDGET.format(team) for team in self._teams))
        self._spend("none", "0.01")

    def _spend(self, team: str, amount: str) -> None:
        commit(self.lake, request("2026-05-02 10:00", request_id=team, team_id=team, user_id=team, list_cost_usd=Decimal(amount)))
        self.written.add(team)

    def _round(self) -> tuple[object, ...]:
        self._minute += 1
        return "alerts_round", self.lake.name, (self.NOW + timedelta(minutes=self._minute)).isoformat(), self._receiver.url

    def arrive(self, number: int) -> tuple[object, ...]:
        if self._teams and number % 3 == 0:
            team, (amount, thresholds) = self._teams.pop(0), self.drawn.choice(self.AMOUNTS)
            self._spend(team, amount)
            self._expected |= {("raised", team, threshold) for threshold in thresholds}
            self._spent.append((team, thresholds))
        if number % 25 == 24:  # of one that is sure to have been raised: what was never seen cannot be resolved
            raised = {(row["subject"], row["threshold"]) for row in self.lake.rows("alerts").to_pylist() if row["channel"] is None}
            team, thresholds = next((one for one in self._spent if raised >= {(one[0], limit) for limit in one[1]}), ("", ()))
            if team:
                self._spent.remove((team, thresholds))
                self.lake.remove(Selection(user=team))
                self.written.remove(team)
                self._there.discard(team)
                self._expected |= {("resolved", team, threshold) for threshold in thresholds}
        return self._round()

    def finish(self, act: Act) -> None:
        for _ in range(200):
            act(*self._round())
            if not read_ledger(self.lake).pending(datetime.fromisoformat(str(self._round()[2]))):
                return

    def wrong(self) -> list[str]:
        """Each is recorded once, and told at least once; nothing else is."""
        rows = [row for row in self.lake.rows("alerts").to_pylist() if row["channel"] is None]
        recorded = Counter((row["event"], row["subject"], row["threshold"]) for row in rows)
        ids = {(row["id"], row["event"]): (row["event"], row["subject"], row["threshold"]) for row in rows}
        told = {ids.get(id_and_event, id_and_event) for id_and_event in self._receiver.ids}
        counts = {
            "alerts lost": len(self._expected - recorded.keys()),
            "alerts doubled": sum(count > 1 for count in recorded.values()),
            "alerts of nothing": len(recorded.keys() - self._expected),
            "alerts never told": len(self._expected - told),
            "told, not recorded": len(told - recorded.keys()),
        }
        return [*super().wrong(), *self._problems(counts)]
