"""Bedrock's log of model invocations, as it writes it to S3 or CloudWatch: one JSON object a request.

Its own counts exclude cache reads and writes. The body of the answer, where it is logged, says besides how many of the writes are
kept for an hour. The region in a model's id, such as `us.`, is part of
its price, so the id stays; of an ARN its last part is the id. Bodies, with their prompts and answers, are not kept.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import json_object

_COUNTS = {"inputTokenCount": "VARCHAR", "cacheReadInputTokenCount": "VARCHAR", "cacheWriteInputTokenCount": "VARCHAR"}
_USAGE = {
    "cacheReadInputTokens": "VARCHAR",
    "cacheWriteInputTokens": "VARCHAR",
    "cacheDetails": [{"ttl": "VARCHAR", "inputTokens": "VARCHAR"}],
    "cache_read_input_tokens": "VARCHAR",
    "cache_creation_input_tokens": "VARCHAR",
    "cache_creation": {"ephemeral_1h_input_tokens": "VARCHAR"},
}
_BODY = {
    "usage": _USAGE,
    "metrics": {"latencyMs": "VARCHAR"},
    "stopReason": "VARCHAR",
    "stop_reason": "VARCHAR",
    "serviceTier": {"type": "VARCHAR"},
    "performanceConfig": {"latency": "VARCHAR"},
}
_LOG = {
    "schemaType": "VARCHAR",
    "timestamp": "VARCHAR",
    "accountId": "VARCHAR",
    "identity": {"arn": "VARCHAR"},
    "region": "VARCHAR",
    "inferenceRegion": "VARCHAR",
    "requestId": "VARCHAR",
    "operation": "VARCHAR",
    "modelId": "VARCHAR",
    "errorCode": "VARCHAR",
    "requestMetadata": "JSON",
    "input": _COUNTS,
    "output": {"outputTokenCount": "VARCHAR", "outputBodyJson": _BODY},
}

_NAMES = {
    "request_id": "requestId",
    "started_at": "timestamp",
    "model": "modelId",
    "input_tokens": "input.inputTokenCount",
    "cache_read_tokens": "input.cacheReadInputTokenCount",
    "cache_write_tokens": "input.cacheWriteInputTokenCount",
    "output_tokens": "output.outputTokenCount",
}

_ATTRIBUTES = json_object(
    {
        "operation": "to_json(log.operation)",
        "region": "to_json(log.region)",
        "inference_region": "to_json(log.inferenceRegion)",
        "account_id": "to_json(log.accountId)",
        "finish_reason": "to_json(coalesce(body.stopReason, body.stop_reason))",
        "request_metadata": "nullif(log.requestMetadata, '{}')",
    }
)

_ROWS = f"""
, logged AS (
    SELECT row, source_file, record AS log, record.output.outputBodyJson AS body, record.output.outputBodyJson.usage AS usage
    FROM lines
)
SELECT
    row,
    source_file,
    CASE WHEN log.schemaType IS DISTINCT FROM 'ModelInvocationLog' THEN 'no invocation of a model' END AS skipped,
    log.requestId AS request_id,
    log.timestamp AS started_at,
    body.metrics.latencyMs AS duration_ms,
    'aws' AS provider,
    regexp_replace(log.modelId, '^arn:.*/', '') AS model,
    CASE
        WHEN log.output.outputTokenCount IS NULL AND regexp_matches(log.modelId, 'embed') THEN 'embeddings'
        WHEN regexp_matches(log.modelId, 'rerank') THEN 'rerank'
        ELSE 'chat'
    END AS operation,
    CASE WHEN log.errorCode IS NOT NULL THEN 'error' ELSE 'success' END AS status,
    log.errorCode AS error_class,
    log.identity.arn AS user_id,
    CASE WHEN log.operation IN ('ConverseStream', 'InvokeModelWithResponseStream') THEN 'true' ELSE 'false' END AS is_streaming,
    CASE WHEN log.operation ILIKE '%batch%' OR log.operation = 'CreateModelInvocationJob' THEN 'true' END AS is_batch,
    nullif(body.serviceTier.type, 'default') AS service_tier,
    nullif(body.performanceConfig.latency, 'standard') AS speed,
    log.input.inputTokenCount AS input_tokens,
    coalesce(log.input.cacheReadInputTokenCount, usage.cacheReadInputTokens, usage.cache_read_input_tokens) AS cache_read_tokens,
    coalesce(
        log.input.cacheWriteInputTokenCount, usage.cacheWriteInputTokens, usage.cache_creation_input_tokens
    ) AS cache_write_tokens,
    coalesce(
        usage.cache_creation.ephemeral_1h_input_tokens,
        list_filter(usage.cacheDetails, lambda part: part.ttl = '1h')[1].inputTokens
    ) AS cache_write_1h_tokens,
    log.output.outputTokenCount AS output_tokens,
    {_ATTRIBUTES} AS attributes
FROM logged
"""


class Bedrock:
    """Bedrock's log of model invocations."""

    name = "bedrock"
    title = "Bedrock"
    counts = "Bedrock counts input without cache reads and cache writes. Both are added, so that input_tokens is all input."

    def recognise(self, head: Head) -> str | None:
        """By the name that every entry gives its kind."""
        is_log = any(line.get("schemaType") == "ModelInvocationLog" for line in head.objects)
        return "Bedrock's log of model invocations" if is_log else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one invocation; other entries are skipped."""
        conventions = Conventions(input_includes_cache_read=False, input_includes_cache_write=False, names=_NAMES)
        return JsonLines(self.name, _LOG, _ROWS, conventions).batches(heads, reading)
