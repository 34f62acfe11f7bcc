"""OpenTelemetry's traces as they happen: an OTLP/HTTP receiver that spools what it acknowledges and brings it to the lake.

A request's way: http.py reads and checks it, otlp.py keeps of it what the lake will, spool.py brings that to the disk, and only
then it is acknowledged. delivery.py brings the spool to the lake, through the same source that reads the collector's files.
"""

from __future__ import annotations

from usagecost.receive.server import CannotReceive, receive

__all__ = ["CannotReceive", "receive"]
