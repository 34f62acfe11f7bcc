"""A round of alerts: check all rules, record what changed, tell the channels, and record that they were told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

import pyarrow as pa
from filelock import FileLock

from usagecost.alerts.channels import send
from usagecost.alerts.checks import Check
from usagecost.alerts.ledger import RESOLVED, Ledger, Message, Row, read_ledger
from usagecost.alerts.rules import all_checks
from usagecost.budgets import BudgetFile, BudgetProblem, read_budgets, view_of_now
from usagecost.engine import UnansweredError
from usagecost.lake import Lake, LakeError
from usagecost.schema import ALERTS
from usagecost.vocabulary.filters import EVERYTHING, View

Say = Callable[[str], None]


@dataclass
class Round:
    """What a round did: events recorded, messages sent, and why others were not; ``problems`` are sentences."""

    events: list[Row] = field(default_factory=list)
    sent: int = 0
    problems: list[str] = field(default_factory=list)
    waiting: int = 0


def run_round(lake: Lake, say: Say, now: datetime | None = None, *, dry_run: bool = False) -> Round:
    """Runs a round and says each event in a line. A ``dry_run`` records nothing and tells nobody.

    One round runs at a time on a machine. Raises LakeError if the lake cannot be used.
    """
    lake.version()  # fails before anything is made, if it does
    lake.root.mkdir(parents=True, exist_ok=True)  # of a remote lake it may not be there yet
    with FileLock(lake.root / "alerts.lock"):
        now, version, outcome = now or datetime.now(UTC), lake.version(), Round()
        ledger = read_ledger(lake)
        try:
            file = read_budgets(lake)
            view = view_of_now(lake.name, version, now, EVERYTHING)
            outcome.events = ledger.changes(_checked(view, file, outcome), now)
        except BudgetProblem as problem:
            outcome.problems.append(f"{problem} Until that is corrected, no rule is checked.")
        for row in outcome.events:
            say(f"{row['title']}. {row['body']} [{row['id']}]")
        if not dry_run:
            _record(lake, ledger, outcome.events)
            _tell(lake, ledger, outcome, now)
        return outcome


def _checked(view: View, file: BudgetFile, outcome: Round) -> Iterator[Check]:
    """The checks of all rules; a rule whose question cannot be answered is a problem, and keeps no other from being checked."""
    for checks in all_checks(view, file):
        try:
            yield from checks
        except UnansweredError as problem:
            outcome.problems.append(str(problem))


def _record(lake: Lake, ledger: Ledger, rows: list[Row]) -> None:
    """Records rows; what another machine has recorded in the meantime stays as it is."""
    if rows:
        lake.keep_rows("alerts", pa.Table.from_pylist(rows, schema=ALERTS))
        ledger.enter(rows)


def claimed(lake: Lake, ledger: Ledger, message: Message, now: datetime) -> bool:
    """Whether this process is the one that is to send a message; of all that share the lake only one is."""
    if ledger.is_claimed(message, now):
        return False
    row = ledger.claim(message, now)
    is_first = bool(lake.keep_rows("alerts", pa.Table.from_pylist([row], schema=ALERTS)))
    ledger.enter([row])
    return is_first


def _tell(lake: Lake, ledger: Ledger, outcome: Round, now: datetime) -> None:
    """Tells channels what they have not been told; one that fails is left alone for the rest of the round, and then longer."""
    resting = {name for name, trouble in ledger.troubles.items() if trouble.again_at > now}
    for message in ledger.pending(now):
        if message.channel in resting or not claimed(lake, ledger, message, now):
            outcome.waiting += 1
            continue
        problem = send(message.channel, *_words(message), is_good=message.row["event"] == RESOLVED)
        _record(lake, ledger, [ledger.attempt(message, now, problem)])
        if problem:
            resting.add(message.channel)
            outcome.problems.append(problem)
            outcome.waiting += 1
        else:
            outcome.sent += 1


def _words(message: Message) -> tuple[str, str]:
    """The title and the text of a message, with the id by which a repeated one is told."""
    row: Mapping[str, str] = message.row
    return row["title"], f"{row['body']}\n\nAlert {row['id']}, {row['event']}"


def follow(lake: Lake, every: float, stop: Event, say: Say, *, dry_run: bool = False) -> None:
    """Runs a round every so many seconds until ``stop`` is set; what is wrong is said once until something else is."""
    last: list[str] = []
    while not stop.is_set():
        try:
            problems = run_round(lake, say, dry_run=dry_run).problems
        except LakeError as problem:
            problems = [str(problem)]
        except Exception as problem:  # whatever is wrong with one round, the next is run
            logging.getLogger(__name__).exception("A round of alerts failed")
            problems = [f"The round of alerts failed ({type(problem).__name__})."]
        for sentence in problems if problems != last else ():
            say(sentence)
        last = problems
        stop.wait(every)
