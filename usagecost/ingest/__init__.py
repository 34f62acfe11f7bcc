"""From log files to the lake: found, recognised, read, priced, staged, committed once; nothing lost, nothing twice."""

from __future__ import annotations

from usagecost.ingest.loading import Report, load
from usagecost.ingest.preview import Looked, Preview, look, preview, values_of
from usagecost.ingest.run import WrongUsage, ingest, ingest_copies

__all__ = ["Looked", "Preview", "Report", "WrongUsage", "ingest", "ingest_copies", "load", "look", "preview", "values_of"]
