"""From log files to the lake: found, recognised, read, priced, staged, committed once; nothing lost, nothing twice.

Who loads files finds everything here: what they are (`look`), how they would be read (`preview`), how a table is mapped
(`guessed_columns` to `mapped_logs`), and the loading itself.
"""

from __future__ import annotations

from usagecost.ingest.discovery import find_files
from usagecost.ingest.formats import Formats, columns_to_recognise, keep_format, keys_of_toml, known_formats, mapped_logs
from usagecost.ingest.loading import load
from usagecost.ingest.preview import Inspection, Preview, look, preview, unknown_statuses
from usagecost.ingest.reports import Report
from usagecost.ingest.run import WrongUsage, chosen_source, ingest, ingest_copies, ingest_part
from usagecost.sources import FileProblem, Source
from usagecost.sources.guesses import guessed_columns, guessed_cost_unit, guessed_duration_unit
from usagecost.sources.mapping import GIVEN_COLUMNS, MappingProblem
