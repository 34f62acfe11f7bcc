"""The canonical request record: every column's name, type, unit and meaning, once.

One row is one request to a model. Token names are those of the ``genai-prices`` library. NULL means "not reported",
never zero. The command line, the documentation and the request panel read their descriptions from here.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(18, 9)
UNITS = pa.map_(pa.string(), pa.decimal128(18, 6))
"""Names of units to how many of each: searches, seconds of audio, pages. Names are those of the price library where it has one."""

TEXT = pa.string()
COUNT = pa.int64()
FLAG = pa.bool_()
MILLISECONDS = pa.float64()


@dataclass(frozen=True)
class Column:
    """One column of a table of the lake: what a newcomer needs to know about it."""

    name: str
    type: pa.DataType
    group: str
    meaning: str
    unit: str = ""
    required: bool = False

    @property
    def field(self) -> pa.Field:
        """The column as Arrow sees it."""
        return pa.field(self.name, self.type, nullable=not self.required)


COLUMNS: tuple[Column, ...] = (
    # ---- identity
    Column("source", TEXT, "identity", "The log format this request was read from: claude-code, litellm, …", required=True),
    Column("request_id", TEXT, "identity", "Unique within its source: (source, request_id) is the key of the lake", required=True),
    Column("trace_id", TEXT, "identity", "The trace this request is a part of"),
    Column("session_id", TEXT, "identity", "The conversation or agent session it belongs to"),
    # ---- time
    Column("started_at", INSTANT, "time", "When the request was sent", "UTC instant, µs", required=True),
    Column("day", pa.date32(), "time", "The UTC date of started_at; the lake keeps one file for each", "UTC date", required=True),
    Column("duration_ms", MILLISECONDS, "time", "From sending to the last byte of the answer", "ms"),
    Column("ttft_ms", MILLISECONDS, "time", "From sending to the first token; streamed requests only", "ms"),
    # ---- model
    Column("provider", TEXT, "model", "Who served and bills the model: openai, anthropic, aws, …"),
    Column("model", TEXT, "model", "The model as billed: the response's, else the requested one"),
    Column("requested_model", TEXT, "model", "The model the caller asked for, before routing and fallbacks"),
    Column("operation", TEXT, "model", "chat, embeddings, …"),
    # ---- outcome
    Column("status", TEXT, "outcome", "success, error or cancelled; NULL where the log does not tell"),
    Column("error_class", TEXT, "outcome", "The kind of failure: RateLimitError, Timeout, …"),
    Column("http_status", pa.int32(), "outcome", "The HTTP status of the answer"),
    # ---- who
    Column("user_id", TEXT, "who", "The internal user who made the request or owns its key"),
    Column("end_user_id", TEXT, "who", "The customer on whose behalf the caller made it"),
    Column("team_id", TEXT, "who", "The team of the user or of the key"),
    Column("virtual_key", TEXT, "who", "The gateway's key: its alias or its hash, never the secret"),
    Column("app", TEXT, "who", "The application, service or project that made the request"),
    Column("environment", TEXT, "who", "production, staging, …"),
    Column("tags", pa.list_(TEXT), "who", "Labels the caller gave the request"),
    Column("project", TEXT, "who", "The project, workspace, repository or cloud account that the request was made for"),
    Column("git_branch", TEXT, "who", "The branch that a coding agent worked on"),
    # ---- how
    Column("is_streaming", FLAG, "how", "The answer was streamed"),
    Column("is_batch", FLAG, "how", "Sent through a batch interface, at batch prices"),
    Column("is_gateway_cache_hit", FLAG, "how", "Answered from the gateway's own response cache: no provider charge"),
    Column("service_tier", TEXT, "how", "The provider's service tier, where it changes the price: priority, flex, …"),
    Column("speed", TEXT, "how", "The provider's speed mode, where it changes the price: fast"),
    Column("inference_region", TEXT, "how", "Where the provider was bound to run the model, where that changes the price: us, …"),
    Column("route", TEXT, "how", "The endpoint, deployment or API base that served it"),
    # ---- tokens
    Column("input_tokens", COUNT, "tokens", "All input tokens, cache reads and cache writes included", "tokens"),
    Column("cache_read_tokens", COUNT, "tokens", "Of the input: read from the provider's prompt cache", "tokens"),
    Column("cache_write_tokens", COUNT, "tokens", "Of the input: written to the prompt cache, for any lifetime", "tokens"),
    Column("cache_write_1h_tokens", COUNT, "tokens", "Of the cache writes: those kept for one hour", "tokens"),
    Column("output_tokens", COUNT, "tokens", "All output tokens, reasoning included", "tokens"),
    Column("output_reasoning_tokens", COUNT, "tokens", "Of the output: reasoning that the caller may not see", "tokens"),
    Column("input_audio_tokens", COUNT, "tokens", "Of the input: audio", "tokens"),
    Column("output_audio_tokens", COUNT, "tokens", "Of the output: audio", "tokens"),
    Column("cache_audio_read_tokens", COUNT, "tokens", "Of the cache reads and audio input: audio read from the cache", "tokens"),
    Column("input_image_tokens", COUNT, "tokens", "Of the input: images", "tokens"),
    Column("cache_image_read_tokens", COUNT, "tokens", "Of the cache reads and image input: images read from the cache", "tokens"),
    Column("output_image_tokens", COUNT, "tokens", "Of the output: images", "tokens"),
    # ---- units
    Column("units", UNITS, "units", "What is billed by the piece: web_searches, input_audio_seconds, …; each with how many"),
    # ---- money
    Column("reported_cost_usd", MONEY, "money", "What the source says the request cost", "USD"),
    Column("list_cost_usd", MONEY, "money", "What it costs at the list price of its time; NULL when no price is known", "USD"),
    Column(
        "input_cost_usd",
        MONEY,
        "money",
        "Of the list cost: input tokens that were neither read from nor written to the cache",
        "USD",
    ),
    Column("cache_read_cost_usd", MONEY, "money", "Of the list cost: tokens read from the prompt cache", "USD"),
    Column("cache_write_cost_usd", MONEY, "money", "Of the list cost: tokens written to the prompt cache", "USD"),
    Column("output_cost_usd", MONEY, "money", "Of the list cost: output tokens, reasoning included", "USD"),
    Column("other_cost_usd", MONEY, "money", "Of the list cost: what is billed by the piece, such as searches and seconds", "USD"),
    Column(
        "price_status",
        TEXT,
        "money",
        "How sure the list cost is: exact, alias, override, discount, free, partial (a lower bound) or unpriced",
    ),
    Column("price_reason", TEXT, "money", "Why the status is what it is, in words"),
    Column("price_id", TEXT, "money", "The price used: provider/model and the date it is valid from"),
    Column("discount", MONEY, "money", "Negotiated discount on the list price", "fraction"),
    Column("cache_read_saved_usd", MONEY, "money", "What its cache reads cost less than other input; NULL where not known", "USD"),
    Column("cache_write_extra_usd", MONEY, "money", "What its cache writes cost more than other input; below 0: less", "USD"),
    # ---- provenance
    Column("rank", COUNT, "provenance", "Of two versions of a request the higher stays; below 0: a replayed copy", required=True),
    Column("source_file", TEXT, "provenance", "The file or table it was read from"),
    Column("ingest_id", TEXT, "provenance", "The ingest that wrote this version"),
    Column("ingested_at", INSTANT, "provenance", "When this version was written to the lake", "UTC instant, µs"),
    Column("attributes", TEXT, "provenance", "What else the source said, without message contents", "JSON"),
)

REJECT_COLUMNS: tuple[Column, ...] = (
    Column("source", TEXT, "reject", "The log format the line was read as"),
    Column("source_file", TEXT, "reject", "The file it stands in", required=True),
    Column("line", COUNT, "reject", "Its line or row number, from 1; NULL when the whole file is meant"),
    Column("reason", TEXT, "reject", "What is wrong with it and what would help", required=True),
    Column("raw", TEXT, "reject", "The line as it stands, cut after 10,000 characters"),
    Column("rejected_at", INSTANT, "reject", "When it was first seen", "UTC instant, µs", required=True),
)

LINEAGE_COLUMNS: tuple[Column, ...] = (
    Column("source", TEXT, "lineage", "The log format it was read from", required=True),
    Column("request_id", TEXT, "lineage", "A part of a trace, whether it is a request or not", required=True),
    Column("parent_id", TEXT, "lineage", "What it is part of, by the same kind of id", required=True),
    Column(
        "seen_at",
        INSTANT,
        "lineage",
        "When this was first read; what is a month older than the newest goes",
        "UTC instant, µs",
        required=True,
    ),
)

COST_PARTS = ("input_cost_usd", "cache_read_cost_usd", "cache_write_cost_usd", "output_cost_usd", "other_cost_usd")
"""They add up to ``list_cost_usd``."""

PRICE_COLUMNS = (
    "list_cost_usd", *COST_PARTS, "price_status", "price_reason", "price_id", "discount", "cache_read_saved_usd",
    "cache_write_extra_usd",
)  # fmt: skip
"""Ours, not the source's: filled by pricing after a source has read its rows."""

PROVENANCE_COLUMNS = ("source_file", "ingest_id", "ingested_at")
"""Say where a version came from, not what it says: two versions that differ in nothing else are equal."""

REPRICING_COLUMNS: tuple[Column, ...] = (
    Column("id", TEXT, "repricing", "The act's own id", required=True),
    Column("done_at", INSTANT, "repricing", "When it was done", "UTC instant, µs", required=True),
    Column("who", TEXT, "repricing", "Who did it"),
    Column("why", TEXT, "repricing", "What for, in the words of whoever did it"),
    Column("undoes", TEXT, "repricing", "The act whose prices it took back; NULL where prices were computed"),
    Column("selection", TEXT, "repricing", "Which requests were meant", "JSON"),
    Column("prices", TEXT, "repricing", "The version of the price list and of the own book", required=True),
    Column("requests", COUNT, "repricing", "How many requests got other prices", required=True),
    Column("before_usd", pa.decimal128(38, 9), "repricing", "Their list cost before, where it was known", "USD", required=True),
    Column("after_usd", pa.decimal128(38, 9), "repricing", "Their list cost after, where it is known", "USD", required=True),
)

NAME_COLUMNS: tuple[Column, ...] = (
    Column("source", TEXT, "name", "The log format whose gateway calls it so", required=True),
    Column("field", TEXT, "name", "The column of a request that holds the id: team_id, user_id or virtual_key", required=True),
    Column("id", TEXT, "name", "What stands there", required=True),
    Column("name", TEXT, "name", "What people call it", required=True),
    Column("seen_at", INSTANT, "name", "When it was called so, as far as is known", "UTC instant, µs", required=True),
)

ALERT_COLUMNS: tuple[Column, ...] = (
    Column("id", TEXT, "alert", "The alert's own id, which messages say too: one for a rule, subject and period", required=True),
    Column("event", TEXT, "alert", "raised or resolved; of reports scheduled or report", required=True),
    Column("channel", TEXT, "alert", "Who was told of the event; NULL for the event itself"),
    Column("outcome", TEXT, "alert", "Of telling them: claimed by who is about to, sent or failed; NULL for the event itself"),
    Column(
        "attempt", COUNT, "alert", "The number of the attempt to tell the channel, from 1; 0 for the event itself", required=True
    ),
    Column("happened_at", INSTANT, "alert", "When it was", "UTC instant, µs", required=True),
    Column("rule", TEXT, "alert", "The rule that was broken", required=True),
    Column("subject", TEXT, "alert", "What broke it: a budget, model, source, user or key", required=True),
    Column("threshold", TEXT, "alert", 'The threshold of a budget in percent; "" elsewhere', required=True),
    Column("period", TEXT, "alert", 'The day on which its period begins; "" where it holds for ever', required=True),
    Column("title", TEXT, "alert", "What happened, in a line", required=True),
    Column("body", TEXT, "alert", "The same in sentences; of a failure, why", required=True),
    Column("tell", TEXT, "alert", "The channels that are told", "JSON", required=True),
)

AUDIT_COLUMNS: tuple[Column, ...] = (
    Column("id", TEXT, "audit", "The entry's own id: it is kept once", required=True),
    Column("happened_at", INSTANT, "audit", "When it was tried", "UTC instant, µs", required=True),
    Column("who", TEXT, "audit", "Who tried it: an e-mail, or the user of the machine", required=True),
    Column("via", TEXT, "audit", "page or command", required=True),
    Column("act", TEXT, "audit", "load, remove, reprice, …: a word of usagecost.audit.ACTS", required=True),
    Column("what", TEXT, "audit", "What was meant, in words: which load, board, budget, model, …", required=True),
    *(Column(name, TEXT, "audit", f"What it was {name} the act, or how much, where that tells") for name in ("before", "after")),
    Column("why", TEXT, "audit", "What for, in the words of whoever did it"),
    Column("outcome", TEXT, "audit", "Why nothing was done: refused or failed; NULL where it was done"),
)

BILL_COLUMNS: tuple[Column, ...] = (
    Column("statement", TEXT, "bill", "The statement's own id, of its contents: the same statement is kept once", required=True),
    Column("format", TEXT, "bill", "The format it was read as: openai-costs, focus, …", required=True),
    Column("provider", TEXT, "bill", "Who bills it, as requests name providers", required=True),
    Column("account", TEXT, "bill", "The organisation or account that is billed, where the statement tells"),
    Column("invoice", TEXT, "bill", "The number of the invoice, where the statement tells"),
    Column("covers_first", pa.date32(), "bill", "The first day that the whole statement is about", "UTC date", required=True),
    Column("covers_last", pa.date32(), "bill", "The last day that the whole statement is about", "UTC date", required=True),
    Column("as_of", INSTANT, "bill", "When the statement was made: of two about a day, the newer counts", required=True),
    Column("first_day", pa.date32(), "bill", "The first day that the line is about", "UTC date", required=True),
    Column("last_day", pa.date32(), "bill", "The last day that the line is about; often the same", "UTC date", required=True),
    Column("kind", TEXT, "bill", "usage, tax, credit, refund, commitment or adjustment", required=True),
    Column("project", TEXT, "bill", "The project, workspace or sub-account"),
    Column("key", TEXT, "bill", "The key, by its id or name at the provider"),
    Column("model", TEXT, "bill", "The model, as requests name models where the bill's name is known to be one"),
    Column("sku", TEXT, "bill", "What is sold, in the bill's own words"),
    Column("meter", TEXT, "bill", "What is counted: input, cache_read, cache_write, output, or a unit as requests name it"),
    Column("quantity", pa.decimal128(38, 6), "bill", "How much of it", "of unit"),
    Column("unit", TEXT, "bill", "What quantity counts: tokens, requests, …"),
    Column("amount", MONEY, "bill", "What is billed; a credit is below 0", "of currency", required=True),
    Column("list_amount", MONEY, "bill", "The same at list prices, where the bill tells", "of currency"),
    Column("currency", TEXT, "bill", "The currency, as ISO 4217 writes it", required=True),
    Column("description", TEXT, "bill", "The line in the bill's words"),
    Column("source_file", TEXT, "bill", "The file or address that it was read from", required=True),
    Column("line", COUNT, "bill", "Its line or row number there, from 1"),
    Column("loaded_at", INSTANT, "bill", "When it was loaded", "UTC instant, µs", required=True),
)
"""One row = one line of a statement, as it was read. Input is uncached input: meters of tokens are apart from each other."""

_SUM = pa.decimal128(38, 9)

CLOSE_COLUMNS: tuple[Column, ...] = (
    Column("entry", TEXT, "close", "What was kept at once, such as all rows of a close; the same is kept once", required=True),
    Column("close", TEXT, "close", "The close it belongs to: month, zone, and which close of that month it is", required=True),
    Column("month", pa.date32(), "close", "The first day of the month that was closed", required=True),
    Column("zone", TEXT, "close", "The time zone of the month, an IANA name", required=True),
    Column("kind", TEXT, "close", "closed, reopened, usage, correction, price, rate or reconciled", required=True),
    Column("happened_at", INSTANT, "close", "When it was kept", "UTC instant, µs", required=True),
    Column("who", TEXT, "close", "Of closed and reopened: who did it"),
    Column("why", TEXT, "close", "Of reopened: what for, in the words of whoever did it"),
    Column(
        "made_with", TEXT, "close", "Of closed: versions of lake, app and prices, texts of prices.toml and chargeback.toml", "JSON"
    ),
    Column("of_month", pa.date32(), "close", "Of correction: the earlier month that has changed"),
    Column("cause", TEXT, "close", "Of correction: why; of reconciled: what the amount is"),
    *(Column(name, TEXT, "close", "As requests have it") for name in ("team_id", "virtual_key", "app", "provider", "model")),
    *(Column(name, TEXT, "close", "Of price: as requests have it") for name in ("price_status", "price_id")),
    Column("discount", MONEY, "close", "Of price: as requests have it", "fraction"),
    Column("requests", COUNT, "close", "How many requests; of correction, how many more"),
    Column("priced_requests", COUNT, "close", "Of them, those whose cost is known, if only in part"),
    Column("incomplete_requests", COUNT, "close", "Of them, those whose cost is not known, or only in part"),
    *(
        Column(name, COUNT, "close", "As requests have it, added up", "tokens")
        for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    ),
    Column("spend_usd", _SUM, "close", "What is known of their cost, as reported, else at list price", "USD"),
    Column("currency", TEXT, "close", "Of rate: the currency, as ISO 4217 writes it"),
    Column("rate", pa.decimal128(24, 12), "close", "Of rate: how much of the currency one USD is"),
    Column("rate_day", pa.date32(), "close", "Of rate: the day from which it holds"),
    Column("rate_source", TEXT, "close", "Of rate: the file that says it"),
)
"""One row = that a month was closed or reopened, or a line of what a close keeps: see ``kind``. Amounts are exact."""

REQUESTS = pa.schema([column.field for column in COLUMNS])
REJECTS = pa.schema([column.field for column in REJECT_COLUMNS])
LINEAGE = pa.schema([column.field for column in LINEAGE_COLUMNS])
MEETING = "meeting."
"""How the id of a part starts that is in no trace: what several traces have in common."""
NAMES = pa.schema([column.field for column in NAME_COLUMNS])
EMAILS, MEMBERS = "user_email", "team_members"
"""Fields of names that decide what a reader may see: a user's e-mail, and the members of a team with their roles, as JSON."""
ALERTS = pa.schema([column.field for column in ALERT_COLUMNS])
AUDIT = pa.schema([column.field for column in AUDIT_COLUMNS])
BILLS = pa.schema([column.field for column in BILL_COLUMNS])
CLOSES = pa.schema([column.field for column in CLOSE_COLUMNS])
COLUMN_BY_NAME = {column.name: column for column in COLUMNS}

_PRICES = [column.field for column in COLUMNS if column.name in PRICE_COLUMNS]
PRICE_CHANGES = pa.schema(
    [
        pa.field("id", TEXT, nullable=False),
        *(COLUMN_BY_NAME[name].field for name in ("source", "request_id", "day", "ingest_id", "provider", "model", "user_id")),
        *(field.with_name(f"{when}_{field.name}") for when in ("old", "new") for field in _PRICES),
    ]
)
"""One row = a request that an act of repricing, named by its ``id``, gave other prices."""

REPRICINGS = pa.schema([column.field for column in REPRICING_COLUMNS])
