"""Which lines of LiteLLM's logs are calls that use no model: they read, prepare or manage something."""

from __future__ import annotations

from usagecost.sources.litellm_calls import MAY_HAVE_PIECES
from usagecost.sources.sql import literal

READS = "a?(get|delete|cancel)_responses|a?list_input_items"
"""A pattern of the call types that ask for an earlier answer."""

_MANAGES = (
    "a?(retrieve|cancel|list|create)_batch(es)?|a?(list|retrieve|delete)_(containers?|container_files)|a?file_.*|a?create_file|"
    "a?vector_store_.*|a?(get|create|delete)_(assistants?|thread|messages)|a_?add_message|a?(create|delete)_(container|sandbox)|"
    "a?(create|cancel|list|retrieve)_fine_tuning_jobs?|a?video_(retrieve|content|list|delete|get|retrieve_job|get_character)|"
    "a?upload_container_file|list_mcp_tools|a?create_skill"
)
"""The same of those that prepare or manage something; a search of a store may have a cost, and then it counts."""


def skipped_sql(is_billed_later: str) -> str:
    """SQL for why a call is no request to a model; NULL where it is one.

    `is_billed_later` says of a call that asks for an earlier answer whether it is the one that was billed.
    """
    is_used = "(coalesce(TRY_CAST(spend AS DOUBLE) > 0, false) OR coalesce(TRY_CAST(total AS DOUBLE) > 0, false))"
    reads, manages = (f"regexp_full_match(call_type, {literal(pattern)})" for pattern in (READS, _MANAGES))
    return f"""CASE WHEN {MAY_HAVE_PIECES} THEN CASE
        WHEN {reads} AND NOT ({is_used} AND {is_billed_later}) THEN 'reads an earlier answer'
        WHEN {manages} AND NOT {is_used} THEN 'prepares or manages something, uses no model'
    END END"""
