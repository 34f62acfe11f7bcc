"""The command line: ``python -m usagecost``. Load logs, ask for the page's numbers, look after the lake."""

from __future__ import annotations

import os

from usagecost.cli import app

if __name__ == "__main__":
    os.umask(0o077)  # what it writes, logs' contents, is for its owner only
    app()
