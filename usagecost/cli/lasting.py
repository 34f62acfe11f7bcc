"""What the commands share that go on until they are ended: how often, and by which signals."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "": 1}


def duration(text: str, option: str) -> timedelta:
    """90, 60s, 5m, 1h, 7d; raises ValueError with a sentence."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhd]?)", text.strip())
    if not found:
        raise ValueError(f"{option} {text} is no time: write it as 60s, 5m, 1h or 7d.")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Generator[None]:
    """While the block runs, the first signal to end calls `stop`; a second one ends the process."""

    def handle(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
