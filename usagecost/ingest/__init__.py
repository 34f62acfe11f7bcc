"""From log files to the lake: found, recognised, read, priced, staged, committed once; nothing lost, nothing twice.

Who loads files finds everything here: what they are (`look`), how they would be read (`preview`), how a table is mapped
(`guessed_columns` to `mapped_table`), and the loading itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from usagecost.ingest.discovery import find_files
from usagecost.ingest.loading import load
from usagecost.ingest.preview import Looked, Preview, look, preview, unknown_statuses
from usagecost.ingest.reports import Report
from usagecost.ingest.run import WrongUsage, chosen_source, ingest, ingest_copies, ingest_part
from usagecost.sources import SOURCES, FileProblem, Source
from usagecost.sources.guesses import guessed_columns, guessed_cost_unit, guessed_duration_unit
from usagecost.sources.mapped import mapped_by
from usagecost.sources.mapping import GIVEN_COLUMNS, mapping_of, mapping_toml
from usagecost.sources.mapping_keys import MappingProblem

__all__ = [
    "FORMATS",
    "GIVEN_COLUMNS",
    "FileProblem",
    "Looked",
    "MappingProblem",
    "Preview",
    "Report",
    "Source",
    "WrongUsage",
    "chosen_source",
    "find_files",
    "guessed_columns",
    "guessed_cost_unit",
    "guessed_duration_unit",
    "ingest",
    "ingest_copies",
    "ingest_part",
    "load",
    "look",
    "mapped_table",
    "mapping_toml",
    "preview",
    "unknown_statuses",
]

FORMATS: Mapping[str, Source] = {source.name: source for source in SOURCES}
"""The log formats by name."""


def mapped_table(keys: dict[str, Any]) -> Source:
    """Tables as a mapping with these keys reads them; raises MappingProblem."""
    return mapped_by(mapping_of(keys))
