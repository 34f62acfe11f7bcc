"""From log files to the lake: found, recognised, read, priced, staged, committed once; nothing lost, nothing twice."""

from __future__ import annotations

from usagecost.ingest.loading import Report, load
from usagecost.ingest.run import WrongUsage, ingest

__all__ = ["Report", "WrongUsage", "ingest", "load"]
