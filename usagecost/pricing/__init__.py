"""What requests cost at the list price of their time: the prices of the ``genai-prices`` library as one SQL join.

A price is linear within (model, instant, tier), so each distinct (provider, model) is looked up once in Python
(``names``), turned into rows of rates (``rates``), and joined to whole batches of requests (``costs``).
"""

from usagecost.pricing.costs import with_prices
from usagecost.pricing.names import Match, resolve
from usagecost.pricing.rates import prices_version

__all__ = ["Match", "prices_version", "resolve", "with_prices"]
