"""Questions to the lake, a function each: `usage` is the one aggregate of which every number on a page is a fold.

An answer depends on nothing but what is asked, and a question names the lake's version; so whoever wants to keep answers may. What
is asked is said here once, in SQL that every engine runs. Nothing here draws, and nothing here writes.
"""

from usagecost.queries import explained, folds, overlaps, prices, ranking, requests, sources, spending
from usagecost.queries.rows import HOUR_OF_WEEK
from usagecost.queries.sizes import EDGES, SAMPLE, sample, spread
from usagecost.queries.usage import MOST_VALUES, usage
from usagecost.queries.values import choices, data_span, labels, missing_until, provider_models
