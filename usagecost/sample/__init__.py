"""An invented company's traffic, to try the pages with: believable, and the same for the same seed and end.

``cast`` names the people, apps and models; ``traffic`` decides who asks what when; ``usage`` what each request used and
how it ended; ``table`` puts the record together; ``lakes`` keeps samples on disk.
"""

from usagecost.sample.lakes import ensure_sample, sample_batches, sample_progress, sample_root, write_sample
from usagecost.sample.table import sample_requests
