"""All metrics, each once, with its label, format and help."""

from __future__ import annotations

from collections.abc import Iterable

from usagecost.vocabulary import formats
from usagecost.vocabulary.metric import Metric

METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "requests",
            "Total requests",
            ("requests",),
            formats.count,
            "All requests that were sent in the period, whatever became of them.",
        ),
        Metric(
            "success_rate",
            "Success rate",
            ("successful",),
            formats.percent,
            "Successful requests as a share of those that succeeded, failed or were cancelled. "
            "Requests whose log does not tell the outcome are not part of it.",
            per=("successful", "failed"),
            better="up",
            is_share=True,
        ),
        Metric(
            "input_tokens",
            "Total input tokens",
            ("input_tokens",),
            formats.count,
            "All tokens sent to models, those read from and written to the provider's prompt cache included.",
            of_one="input_tokens",
        ),
        Metric(
            "output_tokens",
            "Total output tokens",
            ("output_tokens",),
            formats.count,
            "All tokens that models produced, reasoning included.",
            of_one="output_tokens",
        ),
        Metric(
            "spend_usd",
            "Total spend",
            ("spend_usd",),
            formats.usd,
            "What the requests cost in US dollars, on the cost basis chosen under Settings. What is not known of it "
            "is left out and counted beside it: the sum is then a lower bound, marked ≥.",
            better="down",
            of_one="{spend}",
        ),
        Metric(
            "avg_latency_ms",
            "Avg latency",
            ("latency_us",),
            formats.milliseconds,
            "Mean time from sending a request to the last byte of its answer, over the requests whose log tells it.",
            per=("timed_requests",),
            scale=0.001,
            better="down",
            of_one="duration_ms",
        ),
        Metric("successful", "Successful", ("successful",), formats.count, "Requests that were answered.", better="up"),
        Metric("failed", "Failed", ("failed",), formats.count, "Requests that ended in an error or were cancelled.", better="down"),
        Metric(
            "total_tokens",
            "Total tokens",
            ("input_tokens", "output_tokens"),
            formats.count,
            "Input and output tokens together.",
            of_one="coalesce(input_tokens + output_tokens, input_tokens, output_tokens)",
        ),
        Metric(
            "cache_read_tokens",
            "Cache read tokens",
            ("cache_read_tokens",),
            formats.count,
            "Of the input: tokens that the provider read from its prompt cache, at a fraction of the price.",
            of_one="cache_read_tokens",
        ),
        Metric(
            "cache_write_tokens",
            "Cache write tokens",
            ("cache_write_tokens",),
            formats.count,
            "Of the input: tokens that were written to the provider's prompt cache.",
            of_one="cache_write_tokens",
        ),
        Metric(
            "incomplete_requests",
            "Spend incomplete",
            ("incomplete_requests",),
            formats.count,
            "Requests whose cost is not known on the chosen cost basis, or only a part of it: a spend with them in it is a lower "
            "bound, marked ≥.",
            better="down",
        ),
        Metric(
            "incomplete_tokens",
            "Tokens with incomplete spend",
            ("incomplete_tokens",),
            formats.count,
            "Input and output tokens of the requests whose cost is not known on the chosen cost basis, or only a part of it.",
            better="down",
        ),
        Metric(
            "unpriced_requests",
            "No list price",
            ("unpriced_requests",),
            formats.count,
            "Requests that neither the price list nor the own prices can price, whatever their source reported.",
            better="down",
        ),
        Metric(
            "unpriced_tokens",
            "Tokens without list price",
            ("unpriced_tokens",),
            formats.count,
            "Input and output tokens of the requests without a list price.",
            better="down",
        ),
        Metric(
            "list_cost_usd",
            "List cost",
            ("list_cost_usd",),
            formats.usd,
            "What the requests cost at list or own prices, where these are known.",
            better="down",
            of_one="list_cost_usd",
        ),
        *(
            Metric(
                name,
                label,
                (name,),
                formats.usd,
                f"Of the list cost: {what}.",
                better="down",
                of_one=None if name == "other_cost_usd" else name,  # of most requests there is none
            )
            for name, label, what in (
                ("input_cost_usd", "Input cost", "input tokens that were neither read from nor written to the prompt cache"),
                ("cache_read_cost_usd", "Cache read cost", "tokens read from the prompt cache"),
                ("cache_write_cost_usd", "Cache write cost", "tokens written to the prompt cache"),
                ("output_cost_usd", "Output cost", "output tokens, reasoning included"),
                ("other_cost_usd", "Other cost", "what is billed by the piece, such as searches and seconds of audio"),
            )
        ),
        Metric(
            "cache_savings_usd",
            "Cache savings",
            ("cache_net_usd",),
            formats.usd,
            "What reading from the providers' prompt caches saved at list prices, less what writing to them cost extra. Below 0 "
            "where more was written than was worth it.",
            better="up",
        ),
        Metric(
            "cache_saved_usd",
            "Saved by cache reads",
            ("cache_saved_usd",),
            formats.usd,
            "What the tokens read from the providers' prompt caches would have cost more, had they not been cached.",
            better="up",
        ),
        Metric(
            "cache_extra_usd",
            "Extra for cache writes",
            ("cache_extra_usd",),
            formats.usd,
            "What the tokens written to the providers' prompt caches cost more than other input.",
            better="down",
        ),
        Metric(
            "failure_rate",
            "Failure rate",
            ("failed",),
            formats.percent,
            "Requests that failed or were cancelled as a share of those whose outcome is known.",
            per=("successful", "failed"),
            better="down",
            is_share=True,
        ),
        Metric(
            "errors",
            "Errors",
            ("errors",),
            formats.count,
            "Requests that ended in an error; those that the caller cancelled are not among them.",
            better="down",
        ),
        Metric(
            "reasoning_tokens",
            "Reasoning tokens",
            ("reasoning_tokens",),
            formats.count,
            "Of the output: tokens of reasoning that the caller may not see.",
            of_one="output_reasoning_tokens",
        ),
        Metric(
            "audio_tokens",
            "Audio tokens",
            ("input_audio_tokens", "output_audio_tokens"),
            formats.count,
            "Tokens of audio, sent and produced.",
        ),
        Metric(
            "cache_read_share",
            "Cache read share",
            ("cache_read_tokens",),
            formats.percent,
            "Tokens read from the provider's prompt cache as a share of the input, of the requests whose log tells it.",
            per=("cache_told_input_tokens",),
            better="up",
            is_share=True,
        ),
        Metric(
            "spend_per_request",
            "Spend per request",
            ("spend_usd",),
            formats.usd,
            "Mean cost of the requests whose price is known, on the cost basis chosen under Settings.",
            per=("priced_requests",),
            better="down",
        ),
        Metric(
            "spend_per_million_tokens",
            "Spend per million tokens",
            ("spend_of_tokens_usd",),
            formats.usd,
            "Cost of a million tokens, input and output together, over the requests whose price and tokens are known.",
            per=("priced_tokens",),
            scale=1_000_000,
            better="down",
        ),
        Metric(
            "unpriced_share",
            "Share without list price",
            ("unpriced_requests",),
            formats.percent,
            "Requests without a list price, as a share of all.",
            per=("requests",),
            better="down",
            is_share=True,
        ),
        *(
            Metric(
                f"latency_p{percentile}_ms",
                f"Latency p{percentile}",
                (f"latency_p{percentile}_ms",),
                formats.milliseconds,
                f"{share} were answered in this time, the others took longer.",
                better="down",
            )
            for percentile, share in ((50, "Half of the requests"), (95, "95 of 100 requests"), (99, "99 of 100 requests"))
        ),
        Metric(
            "avg_ttft_ms",
            "Time to first token",
            ("ttft_us",),
            formats.milliseconds,
            "Mean time from sending a request to the first token of its answer, over the requests whose log tells it.",
            per=("ttft_requests",),
            scale=0.001,
            better="down",
            of_one="ttft_ms",
        ),
        Metric(
            "output_tokens_per_second",
            "Output tokens per second",
            ("timed_output_tokens",),
            formats.per_second,
            "Tokens produced in a second of waiting, from sending a request to the last byte of its answer.",
            per=("output_us",),
            scale=1_000_000,
            better="up",
        ),
        Metric(
            "active_users",
            "Active users",
            ("active_users",),
            formats.count,
            "Different users with requests. One who is in two parts is counted in both, and once in the whole.",
        ),
    )
}

CARDS = ("requests", "success_rate", "input_tokens", "output_tokens", "spend_usd", "avg_latency_ms")
"""The six summary cards, in their order."""

COVERAGE = ("requests", "total_tokens", "incomplete_requests", "incomplete_tokens")
"""Metrics that say how much of a spend is known."""


def measures_of(metrics: Iterable[str]) -> tuple[str, ...]:
    """The measures that tell some metrics; how many requests there are and how much of a spend is known are always among them."""
    asked = [METRICS[name] for name in metrics]
    if any("spend_usd" in metric.measures for metric in asked):
        asked += [METRICS[name] for name in COVERAGE]
    return tuple(sorted({"requests", *(name for metric in asked for name in metric.measures)}))
