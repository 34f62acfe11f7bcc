"""The parts of the page Sources: what feeds the lake, loading files, what was loaded and its removal, rejected lines."""

from usagecost.ui.sources.feeds import feeds
from usagecost.ui.sources.history import history
from usagecost.ui.sources.loading import load_files
from usagecost.ui.sources.rejected import rejected_lines
