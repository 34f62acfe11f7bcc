"""What is killed: the ways by which a lake changes, each with what it has to be afterwards, and at any time in between."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from tests.killed import Act
from tests.lake_rows import commit, stored
from tests.views import request
from usagecost.lake import Lake

DAYS = 2


class Feed:
    """One way by which a lake changes. Rounds of `arrive` and an act that may be killed; then `finish`, and `wrong`.

    ``longest`` are the seconds from which those until the first kill are drawn.
    """

    longest = 0.6

    def __init__(self, folder: Path, drawn: random.Random) -> None:
        self.folder, self.drawn = folder, drawn
        self.lake = Lake(folder / "lake")
        self.written: set[str] = set()
        self._there: set[str] = set()

    def arrive(self, number: int) -> tuple[object, ...]:
        """Makes what comes before a round; returns the act that takes it, with its arguments."""
        raise NotImplementedError

    def finish(self, act: Act) -> None:
        """Runs what a person or service would run again anyway, unkilled."""
        raise NotImplementedError

    def between(self) -> list[str]:
        """What is wrong after a round, killed or not: the lake is readable, nothing in it is double, lost again or made up."""
        ids = stored(self.lake)["request_id"].to_pylist() if self.lake.exists else []
        there, before = set(ids), self._there
        self._there = there
        return self._problems(
            {
                "doubled": len(ids) - len(there),
                "lost again": len(before - there),
                "never written": len(there - self.written),
            }
        )

    def wrong(self) -> list[str]:
        """What is wrong at last."""
        return [*self.between(), *self._problems({"lost": len(self.written - self._there)})]

    def _problems(self, counts: dict[str, int]) -> list[str]:
        return [f"{count} {what}" for what, count in counts.items() if count]

    def _line(self, number: int) -> dict[str, object]:
        at = f"2026-05-0{1 + number % DAYS}T{number % 24:02}:{number % 60:02}:00Z"
        self.written.add(f"r{number}")
        return {"request_id": f"r{number}", "started_at": at, "provider": "openai", "model": ("gpt-4o", "gpt-4o-mini")[number % 2],
                "user_id": f"u{number % 7}", "input_tokens": number, "output_tokens": number % 11}  # fmt: skip


class Ingests(Feed):
    """`ingest` of files that repeat half of the file before, and `doctor --repair`."""

    LINES = 60

    def arrive(self, number: int) -> tuple[object, ...]:
        if number % 6 == 5:
            return "command", "doctor", "--repair", "--lake", self.lake.name
        file = self.folder / f"part-{number}.jsonl"
        first = number * self.LINES // 2
        file.write_text("\n".join(json.dumps(self._line(first + i)) for i in range(self.LINES)))
        return "command", "ingest", str(file), "--lake", self.lake.name

    def finish(self, act: Act) -> None:
        assert act("command", "ingest", *map(str, sorted(self.folder.glob("part-*.jsonl"))), "--lake", self.lake.name) == 0


class Watches(Feed):
    """`watch` of a folder with new files and one that grows."""

    def arrive(self, number: int) -> tuple[object, ...]:
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        lines = [json.dumps(self._line(number * 60 + i)) + "\n" for i in range(60)]
        (logs / f"{number}.jsonl").write_text("".join(lines[:30]))
        with (logs / "grown.jsonl").open("a") as grown:
            grown.write("".join(lines[30:]))
        for file in (logs / f"{number}.jsonl", logs / "grown.jsonl"):
            os.utime(file, (time.time() - 600 + number / 10,) * 2)
        return "watch_round", str(logs), self.lake.name

    def finish(self, act: Act) -> None:
        assert act("watch_round", str(self.folder / "logs"), self.lake.name) == 0


class Removals(Feed):
    """`remove` of one user after the other: of each all requests stay or none."""

    USERS, OF_EACH = 6, 12

    def __init__(self, folder: Path, drawn: random.Random) -> None:
        super().__init__(folder, drawn)
        self._to_go: list[str] = []
        self._gone: set[str] = set()
        self._filled = 0

    def arrive(self, _: int) -> tuple[object, ...]:
        if not self._to_go:
            users = [f"u{self._filled + i}" for i in range(self.USERS)]
            self._filled += self.USERS
            rows = [request(f"2026-05-0{1 + i % DAYS} 10:{i:02}", request_id=f"{user}-{i}", user_id=user, model="m", input_tokens=i)
                    for user in users for i in range(self.OF_EACH)]  # fmt: skip
            commit(self.lake, *rows)
            self.written |= {str(row["request_id"]) for row in rows}
            self._to_go = users[: self.USERS // 2]
        user = self._to_go[0]
        return "command", "remove", "--user", user, "--yes", "--lake", self.lake.name

    def between(self) -> list[str]:
        rows = Counter(stored(self.lake)["user_id"].to_pylist())
        gone = {user for user in self._to_go if user not in rows}
        self._to_go = [user for user in self._to_go if user in rows]
        self._gone |= gone
        self.written = {name for name in self.written if name.split("-")[0] not in gone}
        self._there &= self.written
        parts = sum(count != self.OF_EACH for count in rows.values())
        return [*super().between(), *self._problems({"users removed in part": parts})]

    def finish(self, act: Act) -> None:
        for user in self._to_go:
            assert act("command", "remove", "--user", user, "--yes", "--lake", self.lake.name) == 0
        left = set(stored(self.lake)["user_id"].to_pylist())
        assert not left & {*self._to_go, *self._gone}


class Repricings(Feed):
    """`reprice` by one price after the other, and `reprice --undo`: all requests have the prices of one of them."""

    def __init__(self, folder: Path, drawn: random.Random) -> None:
        super().__init__(folder, drawn)
        rows = [request(f"2026-05-0{1 + i % DAYS} 10:{i % 60:02}", request_id=f"r{i}", model="m", input_tokens=1_000_000,
                        output_tokens=0, list_cost_usd=Decimal(1), price_status="exact") for i in range(300)]  # fmt: skip
        commit(self.lake, *rows)
        self.written = {str(row["request_id"]) for row in rows}
        self._may_cost = {Decimal(1)}

    def arrive(self, number: int) -> tuple[object, ...]:
        acts = self.lake.repricings().to_pylist()
        if number % 4 == 3 and acts:
            self._may_cost = {*self._costs(), acts[0]["before_usd"] / 300}
            return "command", "reprice", "--undo", acts[0]["id"], "--lake", self.lake.name
        price = 2 + number % 50
        (self.folder / "prices.toml").write_text(f'[[price]]\nmodel = "m"\ninput = {price}\noutput = {price}\n')
        self._may_cost = {*self._costs(), Decimal(price)}
        return "command", "reprice", "--lake", self.lake.name

    def _costs(self) -> set[Decimal]:
        return set(stored(self.lake)["list_cost_usd"].to_pylist())

    def between(self) -> list[str]:
        costs, acts = self._costs(), self.lake.repricings().to_pylist()
        last = Decimal(acts[0]["after_usd"]) / 300 if acts else Decimal(1)
        untold = {"prices at once": len(costs) - 1, "prices of nobody": len(costs - self._may_cost)}
        return [
            *super().between(),
            *self._problems(untold),
            *([] if costs == {last} else [f"the last act says {last}, not {costs}"]),
        ]

    def finish(self, act: Act) -> None:
        """Takes back every act, the newest first, until the prices are those of the beginning."""
        for done in self.lake.repricings().to_pylist():
            assert act("command", "reprice", "--undo", done["id"], "--lake", self.lake.name) == 0
        self._may_cost = {Decimal(1)}
