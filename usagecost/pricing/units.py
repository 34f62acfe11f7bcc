"""What a request counts that a list may price, and which count is a part of which.

The price library orders its units by what they are of: audio read from the cache is a part of the cache reads, of the audio input
and of the input. A token is billed by the most particular count that has a price. So a count costs, beside what contains it, its
*difference*: what one more of it adds to a cost in which the counts around it are priced already.
"""

from __future__ import annotations

from functools import cache

from genai_prices.data_units import unit_data
from genai_prices.decompose import is_descendant_or_self
from genai_prices.units import UnitRegistry

UNITS = UnitRegistry(unit_data).units

TOKENS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "input_audio_tokens", "input_image_tokens",
    "cache_audio_read_tokens", "cache_image_read_tokens", "output_tokens", "output_reasoning_tokens", "output_audio_tokens",
    "output_image_tokens",
)  # fmt: skip
"""The counts that are columns of the record. Other units are in its column `units`."""

WHOLES = {
    part: tuple(whole for whole in TOKENS if whole != part and is_descendant_or_self(UNITS[whole], UNITS[part])) for part in TOKENS
}
"""Count -> the counts that contain it."""

OVERLAPS = (
    ("cache_read_tokens", "input_audio_tokens", "cache_audio_read_tokens"),
    ("cache_read_tokens", "input_image_tokens", "cache_image_read_tokens"),
    ("cache_write_tokens", "input_audio_tokens", None),
    ("cache_write_tokens", "input_image_tokens", None),
    ("output_reasoning_tokens", "output_audio_tokens", None),
    ("output_reasoning_tokens", "output_image_tokens", None),
)
"""Parts that may share tokens, and the count of what they share, if the record has one."""

REQUEST_KEY = "requests_kcount"

PIECES = {name: unit for name, unit in UNITS.items() if name not in TOKENS and name != "requests"}
"""Units of the list that are counted in the record's column `units`."""

CONTAINING_PIECE = {
    "input_audio_seconds": "audio_seconds",
    "output_audio_seconds": "audio_seconds",
    "input_annotated_document_pages": "input_document_pages",
}
"""Piece -> the piece that contains it. A log mostly says one of the two."""


@cache
def sign(whole: str, part: str) -> int:
    """How often a part is to be counted for the tokens that are of a whole and of no priced part of it: the Möbius function.

    1 for itself, -1 for what is directly in it, 1 for what would else be taken off twice, 0 for what lies deeper.
    """
    if whole == part:
        return 1
    between = [count for count in TOKENS if count != part and count in (*WHOLES[part], part) and whole in (*WHOLES[count], count)]
    return -sum(sign(whole, count) for count in between) if whole in WHOLES[part] else 0
