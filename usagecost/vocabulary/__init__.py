"""The vocabulary: every measure, metric and dimension once, with its SQL, label, format and help.

A *measure* is what SQL sums over rows of ``requests``. Measures are additive: sums of sums are sums, so one aggregate
answers every question of a page by folding. A *metric* is what a person reads: a measure, or a quotient of measures. A
*dimension* is what requests can be split by.
"""

from usagecost.vocabulary.dimensions import DIMENSIONS, FILTERED, HOURS, SPLITS, STREAMING, WEEKDAYS, Dimension
from usagecost.vocabulary.measures import (
    BASES,
    CHANGE_MEASURES,
    COUNTS,
    FAILED,
    FOLDS,
    INSTANT_US,
    LATENCY_STEP,
    LATENCY_STEPS_PER_ROOT,
    MEASURES,
    OF_ROWS,
    PERCENTILES,
    Sums,
    depends_on_basis,
    fold_sql,
    incomplete_sql,
    measure_sql,
)
from usagecost.vocabulary.metric import Metric
from usagecost.vocabulary.metrics import CARDS, METRICS
from usagecost.vocabulary.spend import COVERAGE, list_price_coverage, measures_of, spend_coverage, spend_text
