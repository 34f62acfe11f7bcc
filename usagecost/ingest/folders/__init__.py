"""A folder of logs to the lake, round by round: each file once when it is whole, and again when it has grown.

Which files were taken is remembered beside the lake after the commit that holds them: whatever ends this process, the next one
goes on from there, and reads again at most what an ingest finds to be known. A file that has grown is read as a whole, as only
that is right for every format. The receiver's folder is followed by the same rounds, from feeds of its own: see Feed.
"""

from __future__ import annotations

from usagecost.ingest.folders.following import Follower, follow, say_stamped
from usagecost.ingest.folders.rounds import Ends, Round, Watch, load_all_but_broken
