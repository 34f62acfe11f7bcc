"""Programs that tests start beside themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOME = Path(__file__).parents[1]


@contextmanager
def running(*arguments: object, stderr: int = subprocess.PIPE, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A Python with arguments and variables of its own; what it prints is on its stdout, line by line. It is killed at the end."""
    command = [sys.executable, "-u", *map(str, arguments)]
    with subprocess.Popen(
        command, env=os.environ | settings, cwd=HOME, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()
