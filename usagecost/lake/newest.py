"""The table of requests at its newest version: opened once, then followed along its log."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable

from deltalake import DeltaTable

from usagecost.lake.checksums import noted_entries
from usagecost.lake.storage import Storage, errors_explained
from usagecost.lake.table import check_log, log_entry, open_table


class Newest:
    """Follows one table. The caller holds a lock: two threads must not call at once."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._table: DeltaTable | None = None
        self._entry: Hashable | None = None
        self._last_look = -math.inf

    def table(self) -> tuple[DeltaTable, bool]:
        """The table at its newest version, and whether it is another than before, of which nothing holds any more.

        An entry of the log never changes. If the one we stand at is gone or another, the table was made anew, or is so far
        ahead that its log was cleaned: it is opened again.
        """
        table, is_other = self._table, False
        if table is None or not self.has_just_looked():
            table, is_other = self._look()
            self._last_look = time.monotonic()
        return table, is_other

    def has_just_looked(self) -> bool:
        """Whether the table was there, and this its newest version, so short a time ago that it is not worth looking again."""
        return time.monotonic() < self._last_look + self._store.look_every

    def look_again(self) -> None:
        """The next time is worth a look, however soon it is."""
        self._last_look = -math.inf

    def _look(self) -> tuple[DeltaTable, bool]:
        table, is_other = self._table, False
        if table is None or self._entry != self._store.identity(log_entry(table.version())):
            table, is_other = open_table(self._store), True
        elif self._store.identity(log_entry(table.version() + 1)):
            self._table = None  # it is opened again if what is new is damaged
            with errors_explained(self._store):
                entries, before = noted_entries(self._store), table.version()
                table.update_incremental()
                check_log(self._store, table.version(), entries, before + 1, is_newest=True)
        else:
            return table, False
        self._table = table
        self._entry = self._store.identity(log_entry(table.version()))
        return table, is_other
