"""What a request is billed for, as SQL over its counts and the row of rates that holds for it."""

from __future__ import annotations

from usagecost.pricing.units import CONTAINING_PIECE, OVERLAPS, TOKENS, WHOLES, sign

MOST_TOKENS = 100_000_000_000
"""Of one request. At ten times the highest price there is, this many still cost less than what the column holds."""

NO_OUTPUT = ("embeddings", "embedding", "rerank", "moderation", "transcription", "speech")
"""Operations whose answers are no tokens."""

BESIDE_TOKENS = ("web_searches", "social_searches", "code_executions")
"""Units of calls that use tokens as well."""

SEARCHING = "'-search-(preview|api)|deep-research'"
"""A pattern of models that search for every answer, which is billed beside the tokens."""

MICRO = 1_000_000
"""Units have six places."""


def free_sql() -> str:
    """SQL: why nothing was used at a provider; NULL where something was."""
    return """CASE
        WHEN is_gateway_cache_hit THEN 'answered from the gateway''s own cache'
        WHEN status IN ('error', 'cancelled') AND input_tokens = 0 AND output_tokens = 0 THEN 'failed before anything was used'
    END"""


def leaf_costs_sql() -> list[str]:
    """SQL in atto-dollars: what uncached input, cache reads, cache writes and output cost."""
    read = _token_cost("cache_read_tokens", "input_tokens", "cache_read_tokens")
    for kind in ("audio", "image"):
        read += " + " + _token_cost(f"cache_{kind}_read_tokens", f"input_{kind}_tokens", f"cache_{kind}_read_tokens")
    write = _token_cost("cache_write_tokens", "input_tokens", "cache_write_tokens")
    write += " + " + _token_cost("cache_write_1h_tokens", "cache_write_1h_tokens")
    whole, output = (_side(side) for side in ("input_tokens", "output_tokens"))
    return [f"({whole}) - ({read}) - ({write})", f"({read})", f"({write})", f"({output})"]


def pieces_sql() -> str:
    """SQL in atto-dollars: what units cost that are billed by the piece; those without a rate cost nothing here."""
    containing = " ".join(f"WHEN '{part}' THEN '{whole}'" for part, whole in CONTAINING_PIECE.items())
    seconds = "entry.key IN ('audio_seconds', 'input_audio_seconds') AND entry.value > 0"
    billed = f"(CASE WHEN {seconds} THEN greatest(entry.value, coalesce(least_seconds, 0)) ELSE entry.value END * {MICRO})::HUGEINT"
    whole = f"CASE entry.key {containing} END"
    whole_rate = f"CASE WHEN units[{whole}] IS NULL THEN 0 ELSE coalesce(piece_rates[{whole}], 0) END"
    beyond = f"coalesce(piece_rates[entry.key], 0) - {whole_rate}"
    costs = f"list_sum(list_transform(map_entries(units), lambda entry: {billed} * ({beyond})::HUGEINT))"
    return f"CASE WHEN units IS NULL THEN 0 ELSE coalesce({costs}::HUGEINT // {MICRO}, 0) END"


def unrated_sql() -> str:
    """SQL: what was used and has no rate, or is not known, in words; NULL where everything is priced."""
    lacking = "list_filter(map_keys(units), lambda unit: piece_rates[unit] IS NULL)"
    answers = f"(operation IS NULL OR operation NOT IN ({', '.join(map(repr, NO_OUTPUT))}))"
    without_tokens = " OR ".join(("units IS NULL", *(f"units['{unit}'] IS NOT NULL" for unit in BESIDE_TOKENS)))
    return f"""CASE
        WHEN rate_id IS NULL THEN NULL
        WHEN units IS NOT NULL AND len({lacking}) > 0
            THEN 'lower bound: no rate for ' || array_to_string(list_sort({lacking}), ', ')
        WHEN contains(model, 'search') AND regexp_matches(model, {SEARCHING}) AND units['web_searches'] IS NULL
            THEN 'lower bound: how often it searched is not reported'
        WHEN input_tokens > 0 AND input_tokens_rate IS NULL THEN 'lower bound: no rate for input tokens'
        WHEN output_tokens > 0 AND output_tokens_rate IS NULL THEN 'lower bound: no rate for output tokens'
        WHEN cache_write_tokens > 0 AND cache_write_tokens_rate IS NULL AND contains(model, 'claude')
            THEN 'lower bound: no rate for cache writes'
        WHEN cache_write_1h_tokens > 0 AND cache_write_1h_tokens_rate IS NULL AND cache_write_tokens_rate IS NOT NULL
            THEN 'lower bound: no rate for cache writes that are kept for an hour'
        WHEN output_image_tokens > 0 AND output_image_tokens_rate IS NULL THEN 'lower bound: no rate for image output'
        WHEN output_audio_tokens > 0 AND output_audio_tokens_rate IS NULL THEN 'lower bound: no rate for audio output'
        WHEN output_tokens IS NULL AND output_tokens_rate > 0 AND {answers} AND ({without_tokens})
            THEN 'lower bound: output tokens are not reported'
        WHEN input_tokens IS NULL AND input_tokens_rate > 0 AND output_tokens > 0
            THEN 'lower bound: input tokens are not reported'
    END"""


def nothing_billed_sql() -> str:
    """SQL: whether something was used, and nothing of it has a rate."""
    rated = " OR ".join(f"({count} > 0 AND {count}_rate IS NOT NULL)" for count in TOKENS)
    used = " OR ".join(f"{count} > 0" for count in TOKENS)
    has_rated_piece = "coalesce(len(list_filter(map_keys(units), lambda unit: piece_rates[unit] IS NOT NULL)) > 0, false)"
    return f"""coalesce(rate_status <> 'free' AND ({used} OR units IS NOT NULL)
        AND NOT coalesce({rated}, false) AND request_rate = 0 AND NOT {has_rated_piece}, false)"""


def contradiction_sql(is_priced: str | None) -> str:
    """SQL: whether counts contradict each other, as the price library judges it.

    A whole must contain its parts that are priced apart; all of them where it is not reported itself. `is_priced` is how to tell
    that a count has a price of its own; None asks whether they could contradict each other at any price, which is quick.
    """

    def priced(count: str) -> str:
        return "true" if is_priced is None else is_priced.format(count)

    tests = [f"least({', '.join(TOKENS)}) < 0", f"greatest({', '.join(TOKENS)}) > {MOST_TOKENS}"]
    for whole in TOKENS:
        parts = {part: sign(whole, part) for part in TOKENS if part != whole and sign(whole, part)}
        parts = {part: times for part, times in parts.items() if is_priced is not None or times < 0}
        if parts:
            parts_sum = " + ".join(
                f"{-times} * CASE WHEN {priced(part)} THEN coalesce({part}, 0) ELSE 0 END::DOUBLE" for part, times in parts.items()
            )
            tests.append(f"{priced(whole)} AND coalesce({whole}, 0) < {parts_sum}")
        if within := [count for count in TOKENS if whole in WHOLES[count]]:
            tests.append(f"{priced(whole)} AND {whole} IS NULL AND greatest({', '.join(within)}) > 0")
    for first, second, both in OVERLAPS:
        is_apart = f"({both} IS NULL OR ({both} > 0 AND NOT {priced(both)}))" if both and is_priced else "true"
        tests.append(f"{first} > 0 AND {second} > 0 AND {priced(first)} AND {priced(second)} AND {is_apart}")
    return " OR ".join(f"coalesce({test}, false)" for test in tests)


def _side(whole: str) -> str:
    counts = [count for count in TOKENS if whole in (*WHOLES[count], count)]
    return " + ".join(_token_cost(count, count) for count in counts)


def _token_cost(count: str, *rates: str) -> str:
    """SQL in atto-dollars: what tokens of a count cost by the sum of some rates."""
    rate = " + ".join(f"coalesce({name}_rate, 0)" for name in rates)
    return f"coalesce({count}, 0)::HUGEINT * ({rate})"
