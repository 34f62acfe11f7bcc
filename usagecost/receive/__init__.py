"""OpenTelemetry's traces as they happen: an OTLP/HTTP receiver that spools what it acknowledges and brings it to the lake.

A request's way: http.py reads and checks it, otlp.py keeps of it what the lake will, spool.py brings that to the disk, and only
then it is acknowledged. delivery.py has the spool brought to the lake, by a process of its own (committer.py, committing.py),
through the source that reads the collector's files. server.py is the way in; nothing is imported here, as that process needs
no server.
"""
