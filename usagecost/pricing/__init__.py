"""What requests cost: the dated prices of the ``genai-prices`` library, and over them the organisation's own book, as one SQL join.

A price is linear within (model, instant, tier), so each distinct (provider, model) is looked up once in Python (``names``), turned
into rows of rates (``rates``), overlaid with the own book (``book``, ``overlay``), and joined to whole batches of requests
(``costs``).
"""

from usagecost.pricing.book import NO_BOOK, Book, BookProblem, parse_book
from usagecost.pricing.contexts import PriceQuery
from usagecost.pricing.costs import with_prices
from usagecost.pricing.entries import Written, days_held, entry_text, text_with, written_entries
from usagecost.pricing.names import Match, is_same_provider, listed_models, price_changes, resolve
from usagecost.pricing.overlay import rates_at
from usagecost.pricing.parts import with_parts
from usagecost.pricing.upstream import UPSTREAM, ListProblem, fetched_list, prices_version, use_list
