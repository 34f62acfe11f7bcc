"""Records that stand within those of a log shipper, and how to take them out: what such a file is told instead of being read.

Shippers wrap each line of an app as a text: Docker and Kubernetes, CloudWatch, Loki, journald. Their own times and ids are not
those of the requests. Where the record is an object, as Elasticsearch's `_source`, a mapping reads it.
"""

from __future__ import annotations

import re

from usagecost.sources.files import Head

WRAPPED = "holds records within the lines of a log shipper: take them out first, for example with {}."

_UNWRAP_COMMANDS = {
    ("log", "stream"): "jq -r .log",
    ("logEvents",): "jq -r '.logEvents[].message'",
    ("events", "nextForwardToken"): "jq -r '.events[].message'",
    ("hits", "took"): "jq -c '.hits.hits[]._source'",
    ("line", "labels"): "jq -r .line",
    ("status", "data"): "jq -r '.data.result[].values[][1]'",
    ("MESSAGE", "__REALTIME_TIMESTAMP"): "jq -r .MESSAGE",
}
"""Names of an object that holds others -> what takes these out."""
_AFTER_OTHER_WORDS = re.compile(r'[^{"]{3,200}\{".*\}\s*')


def unwrap_command(head: Head) -> str | None:
    """The command that takes the records of a file out of those around them; None if it has none."""
    names = head.objects[0].keys() if head.objects else ()
    if unwrap := next((command for keys, command in _UNWRAP_COMMANDS.items() if all(name in names for name in keys)), None):
        return unwrap
    return "sed 's/^[^{]*//'" if head.lines and all(map(_AFTER_OTHER_WORDS.fullmatch, head.lines[:3])) else None
