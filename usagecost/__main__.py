"""The command line: ``python -m usagecost``. Load logs, ask for the page's numbers, look after the lake."""

from __future__ import annotations

from usagecost.cli import app

if __name__ == "__main__":
    app()
