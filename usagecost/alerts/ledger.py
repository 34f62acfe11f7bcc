"""What is recorded of alerts: which were raised and resolved, who was told, and what is to be done about checks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from usagecost.alerts.checks import Check, is_about
from usagecost.budgets import Budget
from usagecost.lake import Lake

RAISED, RESOLVED = "raised", "resolved"
CLAIMED, SENT, FAILED = "claimed", "sent", "failed"
CLAIM_LASTS = timedelta(minutes=5)
"""How long who has claimed a message is left to tell its channel; whoever then has not said what came of it is taken for dead."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
"""How long a channel that failed is left alone; twice as long after each further failure, up to an hour."""
GIVEN_UP_AFTER = timedelta(days=30)
"""Who could not be told for so long is not told any more."""

Row = dict[str, Any]
_ABOUT = ("id", "rule", "subject", "threshold", "period", "title", "body", "tell")


@dataclass
class Alert:
    """An alert as it was ``raised``, a row of schema.ALERTS, and as it was ``resolved``, if it was."""

    raised: Row
    resolved: Row | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was not resolved."""
        return self.resolved is None

    @property
    def channels(self) -> list[str]:
        """Who is told."""
        return json.loads(self.raised["tell"])


Told = tuple[str, str, str]
"""The id and the event of an alert, and a channel."""


@dataclass(frozen=True)
class Message:
    """An event that a channel has not been told of."""

    row: Row
    channel: str

    @property
    def key(self) -> Told:
        """What tells it from others."""
        return self.row["id"], self.row["event"], self.channel


@dataclass
class Trouble:
    """A channel that fails: how often in a row, when last, and why."""

    attempts: int
    at: datetime
    why: str

    @property
    def again_at(self) -> datetime:
        """When it is tried again."""
        return self.at + min(FIRST_WAIT * 2 ** min(self.attempts - 1, 20), LONGEST_WAIT)


@dataclass
class Ledger:
    """The alerts by their ids, the oldest first; what was told to whom; the channels that fail; and of each message the number of
    the attempt that was claimed last, with when, and of the last one whose outcome is known.
    """

    alerts: dict[str, Alert] = field(default_factory=dict)
    told: set[Told] = field(default_factory=set)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    claims: dict[Told, tuple[int, datetime]] = field(default_factory=dict)
    tried: dict[Told, int] = field(default_factory=dict)

    def enter(self, rows: Iterable[Row]) -> Ledger:
        """Enters rows of schema.ALERTS, the oldest first."""
        for row in rows:
            if row["channel"] is not None:
                self._enter_attempt(row)
            elif row["event"] == RAISED:
                self.alerts.setdefault(row["id"], Alert(row))
            elif row["id"] in self.alerts:
                self.alerts[row["id"]].resolved = row
        return self

    def about(self, budgets: Sequence[Budget]) -> Ledger:
        """Returns the same of the alerts alone that were raised for one of some budgets as it is now."""
        alerts = {key: alert for key, alert in self.alerts.items() if any(is_about(alert.raised, one) for one in budgets)}
        return replace(self, alerts=alerts)

    def changes(self, checks: Iterable[Check], now: datetime) -> list[Row]:
        """Returns the alerts that are to be raised and resolved; nothing for what is recorded already."""
        rows: dict[tuple[str, str], Row] = {}
        for check in checks:
            if check.is_on is None:
                continue
            same = [alert for alert in self._open() if _is_same(alert, check)]
            if not check.is_on:
                rows |= {(alert.raised["id"], RESOLVED): _resolved(alert, check, now) for alert in same}
            elif check.id not in self.alerts and not same:
                rows[check.id, RAISED] = _raised(check, now)
        return list(rows.values())

    def pending(self, now: datetime) -> list[Message]:
        """Returns what channels are still to be told, the oldest event first, whether they fail or not."""
        events = [row for alert in self.alerts.values() for row in (alert.raised, alert.resolved) if row]
        return [
            Message(row, channel)
            for row in sorted(events, key=lambda row: row["happened_at"])
            if now - row["happened_at"] < GIVEN_UP_AFTER
            for channel in json.loads(row["tell"])
            if (row["id"], row["event"], channel) not in self.told
        ]

    def is_claimed(self, message: Message, now: datetime) -> bool:
        """Whether somebody is about to tell the channel."""
        number, at = self.claims.get(message.key, (0, now))
        return number > self.tried.get(message.key, 0) and now - at < CLAIM_LASTS

    def claim(self, message: Message, now: datetime) -> Row:
        """Returns the row by which the next attempt is claimed: of those who record it at once the lake takes that of one."""
        number = max(self.claims.get(message.key, (0, now))[0], self.tried.get(message.key, 0)) + 1
        about = {"channel": message.channel, "outcome": CLAIMED, "attempt": number, "happened_at": now}
        return {**message.row, **about}

    def attempt(self, message: Message, now: datetime, problem: str | None) -> Row:
        """Returns the row that says that a channel was told, or why it was not. The attempt was claimed."""
        number, outcome = self.claims[message.key][0], FAILED if problem else SENT
        about = {"channel": message.channel, "outcome": outcome, "attempt": number, "happened_at": now}
        return {**message.row, **about, "body": problem or message.row["body"]}

    def _enter_attempt(self, row: Row) -> None:
        channel, key = row["channel"], (row["id"], row["event"], row["channel"])
        if row["outcome"] == CLAIMED:
            self.claims[key] = max(self.claims.get(key, (0, row["happened_at"])), (row["attempt"], row["happened_at"]))
            return
        self.tried[key] = max(self.tried.get(key, 0), row["attempt"])
        if row["outcome"] == SENT:
            self.told.add(key)
            self.troubles.pop(channel, None)
        else:
            before = self.troubles.get(channel)
            self.troubles[channel] = Trouble(before.attempts + 1 if before else 1, row["happened_at"], row["body"])

    def _open(self) -> Iterator[Alert]:
        return (alert for alert in self.alerts.values() if alert.is_open)


def read_ledger(lake: Lake) -> Ledger:
    """Returns what a lake has recorded of alerts; raises LakeError."""
    return Ledger().enter(lake.rows("alerts").to_pylist())


def _is_same(alert: Alert, check: Check) -> bool:
    """Whether an alert is of a check: of its period too, unless it lasts."""
    names = ("rule", "subject", "threshold") if check.lasts else ("rule", "subject", "threshold", "period")
    return all(alert.raised[name] == getattr(check, name) for name in names)


def _raised(check: Check, now: datetime) -> Row:
    about = {name: getattr(check, name) for name in _ABOUT}
    event = {"event": RAISED, "happened_at": now, "channel": None, "outcome": None, "attempt": 0}
    return {**about, **event, "tell": json.dumps(check.tell)}


def _resolved(alert: Alert, check: Check, now: datetime) -> Row:
    title = f"Resolved: {alert.raised['title']}"
    return {**alert.raised, "event": RESOLVED, "happened_at": now, "title": title, "body": check.body}
