"""All metrics, each once, with its label, format and help."""

from __future__ import annotations

from usagecost.vocabulary import formats
from usagecost.vocabulary.metric import Metric

METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "requests",
            "Total requests",
            formats.count,
            "All requests that were sent in the period, whatever became of them.",
        ),
        Metric(
            "success_rate",
            "Success rate",
            formats.percent,
            "Successful requests as a share of those that succeeded, failed or were cancelled. "
            "Requests whose log does not tell the outcome are not part of it.",
            terms=("successful",),
            per=("successful", "failed"),
            better="up",
            is_share=True,
        ),
        Metric(
            "input_tokens",
            "Total input tokens",
            formats.count,
            "All tokens sent to models, those read from and written to the provider's prompt cache included.",
            of_one="input_tokens",
        ),
        Metric(
            "output_tokens",
            "Total output tokens",
            formats.count,
            "All tokens that models produced, reasoning included.",
            of_one="output_tokens",
        ),
        Metric(
            "spend_usd",
            "Total spend",
            formats.usd,
            "What the requests cost in US dollars, on the cost basis chosen under Settings. What is not known of it "
            "is left out and counted beside it: the sum is then a lower bound, marked ≥.",
            better="down",
            of_one="{spend}",
        ),
        Metric(
            "avg_latency_ms",
            "Avg latency",
            formats.milliseconds,
            "Mean time from sending a request to the last byte of its answer, over the requests whose log tells it.",
            terms=("latency_us",),
            per=("timed_requests",),
            scale=0.001,
            better="down",
            of_one="duration_ms",
        ),
        Metric("successful", "Successful", formats.count, "Requests that were answered.", better="up"),
        Metric("failed", "Failed", formats.count, "Requests that ended in an error or were cancelled.", better="down"),
        Metric(
            "total_tokens",
            "Total tokens",
            formats.count,
            "Input and output tokens together.",
            terms=("input_tokens", "output_tokens"),
            of_one="coalesce(input_tokens + output_tokens, input_tokens, output_tokens)",
        ),
        Metric(
            "cache_read_tokens",
            "Cache read tokens",
            formats.count,
            "Of the input: tokens that the provider read from its prompt cache, at a fraction of the price.",
            of_one="cache_read_tokens",
        ),
        Metric(
            "cache_write_tokens",
            "Cache write tokens",
            formats.count,
            "Of the input: tokens that were written to the provider's prompt cache.",
            of_one="cache_write_tokens",
        ),
        Metric(
            "incomplete_requests",
            "Spend incomplete",
            formats.count,
            "Requests whose cost is not known on the chosen cost basis, or only a part of it: a spend with them in it is a lower "
            "bound, marked ≥.",
            better="down",
        ),
        Metric(
            "incomplete_tokens",
            "Tokens with incomplete spend",
            formats.count,
            "Input and output tokens of the requests whose cost is not known on the chosen cost basis, or only a part of it.",
            better="down",
        ),
        Metric(
            "unpriced_requests",
            "No list price",
            formats.count,
            "Requests that neither the price list nor the own prices can price, whatever their source reported.",
            better="down",
        ),
        Metric(
            "unpriced_tokens",
            "Tokens without list price",
            formats.count,
            "Input and output tokens of the requests without a list price.",
            better="down",
        ),
        Metric(
            "list_cost_usd",
            "List cost",
            formats.usd,
            "What the requests cost at list or own prices, where these are known.",
            better="down",
            of_one="list_cost_usd",
        ),
        *(
            Metric(
                name,
                label,
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
            formats.usd,
            "What reading from the providers' prompt caches saved at list prices, less what writing to them cost extra. Below 0 "
            "where more was written than was worth it.",
            terms=("cache_net_usd",),
            better="up",
        ),
        Metric(
            "cache_saved_usd",
            "Saved by cache reads",
            formats.usd,
            "What the tokens read from the providers' prompt caches would have cost more, had they not been cached.",
            better="up",
        ),
        Metric(
            "cache_extra_usd",
            "Extra for cache writes",
            formats.usd,
            "What the tokens written to the providers' prompt caches cost more than other input.",
            better="down",
        ),
        Metric(
            "failure_rate",
            "Failure rate",
            formats.percent,
            "Requests that failed or were cancelled as a share of those whose outcome is known.",
            terms=("failed",),
            per=("successful", "failed"),
            better="down",
            is_share=True,
        ),
        Metric(
            "errors",
            "Errors",
            formats.count,
            "Requests that ended in an error; those that the caller cancelled are not among them.",
            better="down",
        ),
        Metric(
            "reasoning_tokens",
            "Reasoning tokens",
            formats.count,
            "Of the output: tokens of reasoning that the caller may not see.",
            of_one="output_reasoning_tokens",
        ),
        Metric(
            "audio_tokens",
            "Audio tokens",
            formats.count,
            "Tokens of audio, sent and produced.",
            terms=("input_audio_tokens", "output_audio_tokens"),
        ),
        Metric(
            "cache_read_share",
            "Cache read share",
            formats.percent,
            "Tokens read from the provider's prompt cache as a share of the input, of the requests whose log tells it.",
            terms=("cache_read_tokens",),
            per=("cache_told_input_tokens",),
            better="up",
            is_share=True,
        ),
        Metric(
            "spend_per_request",
            "Spend per request",
            formats.usd,
            "Mean cost of the requests whose price is known, on the cost basis chosen under Settings.",
            terms=("spend_usd",),
            per=("priced_requests",),
            better="down",
        ),
        Metric(
            "spend_per_million_tokens",
            "Spend per million tokens",
            formats.usd,
            "Cost of a million tokens, input and output together, over the requests whose price and tokens are known.",
            terms=("spend_of_tokens_usd",),
            per=("priced_tokens",),
            scale=1_000_000,
            better="down",
        ),
        Metric(
            "unpriced_share",
            "Share without list price",
            formats.percent,
            "Requests without a list price, as a share of all.",
            terms=("unpriced_requests",),
            per=("requests",),
            better="down",
            is_share=True,
        ),
        *(
            Metric(
                f"latency_p{percentile}_ms",
                f"Latency p{percentile}",
                formats.milliseconds,
                f"{share} were answered in this time, the others took longer.",
                better="down",
            )
            for percentile, share in ((50, "Half of the requests"), (95, "95 of 100 requests"), (99, "99 of 100 requests"))
        ),
        Metric(
            "avg_ttft_ms",
            "Time to first token",
            formats.milliseconds,
            "Mean time from sending a request to the first token of its answer, over the requests whose log tells it.",
            terms=("ttft_us",),
            per=("ttft_requests",),
            scale=0.001,
            better="down",
            of_one="ttft_ms",
        ),
        Metric(
            "output_tokens_per_second",
            "Output tokens per second",
            formats.per_second,
            "Tokens produced in a second of waiting, from sending a request to the last byte of its answer.",
            terms=("timed_output_tokens",),
            per=("output_us",),
            scale=1_000_000,
            better="up",
        ),
        Metric(
            "active_users",
            "Active users",
            formats.count,
            "Different users with requests. One who is in two parts is counted in both, and once in the whole.",
        ),
    )
}

CARDS = ("requests", "success_rate", "input_tokens", "output_tokens", "spend_usd", "avg_latency_ms")
"""The six summary cards, in their order."""
