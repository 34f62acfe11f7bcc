"""OpenTelemetry's traces as they happen: an OTLP/HTTP receiver that spools what it acknowledges and brings it to the lake.

A request's way: connections.py and bodies.py bound what clients may take, http.py answers, otlp.py keeps what the lake will, and
spool.py brings that to the disk; only then it is acknowledged. A process of its own, committing.py, follows the spool with the
rounds of `watch`. server.py is the way in; nothing is imported here, as that process needs no server.
"""
