"""Which of a table's columns is probably what, by its name alone: a first draft of a mapping, for a person to correct."""

from __future__ import annotations

import re
from collections.abc import Sequence

NAMES = {
    "request_id": ("requestid", "id", "generationid", "callid", "responseid", "logid", "uuid"),
    "started_at": (
        "startedat", "starttime", "start", "startedtime", "timestamp", "time", "createdat", "created", "requestcreatedat",
        "requesttime", "datetime", "date", "ts", "eventtime", "when",
    ),
    "duration_ms": (
        "durationms", "latencyms", "duration", "latency", "responsetime", "responsetimems", "requestdurationms", "generationtimems",
        "elapsedms", "elapsed", "totaltime",
    ),
    "ttft_ms": ("ttftms", "ttft", "timetofirsttoken", "timetofirsttokenms", "firsttokenms", "timetofirstchunk"),
    "provider": ("provider", "providername", "llmprovider", "customllmprovider", "vendor", "aiorg", "system"),
    "model": ("model", "modelname", "modelid", "responsemodel", "llmmodel", "aimodel", "deployment", "modelpermaslug"),
    "requested_model": ("requestedmodel", "requestmodel", "modelgroup", "modelalias"),
    "operation": ("operation", "calltype", "operationname", "endpoint"),
    "status": ("status", "outcome", "success", "issuccess", "result", "state"),
    "http_status": ("httpstatus", "statuscode", "responsestatuscode", "httpcode", "responsecode"),
    "error_class": ("errorclass", "errortype", "error", "exception", "errorcode"),
    "user_id": ("userid", "user", "username", "useremail", "email", "internaluser"),
    "end_user_id": ("enduserid", "enduser", "customerid", "customer", "externaluser"),
    "team_id": ("teamid", "team", "teamname", "teamalias", "group", "department"),
    "virtual_key": ("virtualkey", "apikeyname", "keyalias", "keyname", "apikeyid", "virtualkeyname"),
    "app": ("app", "appname", "application", "service", "servicename", "project", "projectid", "projectname"),
    "environment": ("environment", "env", "stage"),
    "session_id": ("sessionid", "session", "conversationid"),
    "trace_id": ("traceid", "trace"),
    "tags": ("tags", "labels", "requesttags"),
    "is_streaming": ("isstreaming", "streamed", "stream", "streaming"),
    "is_batch": ("isbatch", "batch"),
    "service_tier": ("servicetier", "tier"),
    "input_tokens": (
        "inputtokens", "prompttokens", "tokensprompt", "tokensin", "tokensinput", "contexttokens", "promptlen", "numinputtokens",
        "inputtokencount", "prompttokencount", "requnits",
    ),
    "cache_read_tokens": (
        "cachereadtokens", "cachereadinputtokens", "cachedtokens", "tokenscached", "inputcachedtokens", "cachedinputtokens",
        "cachedreadtokens", "promptcachereadtokens", "cacheread",
    ),
    "cache_write_tokens": (
        "cachewritetokens", "cachecreationinputtokens", "cachecreationtokens", "cachewriteinputtokens", "promptcachewritetokens",
        "cachewrite",
    ),
    "output_tokens": (
        "outputtokens", "completiontokens", "tokenscompletion", "tokensout", "tokensoutput", "generatedtokens", "numoutputtokens",
        "outputtokencount", "candidatestokencount", "resunits",
    ),
    "output_reasoning_tokens": (
        "outputreasoningtokens", "reasoningtokens", "tokensreasoning", "thinkingtokens", "thoughtstokencount",
    ),
    "reported_cost_usd": (
        "reportedcostusd", "costusd", "cost", "spend", "totalcost", "costtotal", "spendusd", "price", "amount", "responsecost",
        "costcents", "costincents",
    ),
}  # fmt: skip
"""The record's columns, and what logs call them, in lower case and without anything but letters and digits; the likeliest first."""

UNIT_ENDS = {"seconds": "s", "secs": "s", "sec": "s", "s": "s", "us": "us", "micros": "us", "ns": "ns", "nanos": "ns"}


def guessed_columns(names: Sequence[str]) -> dict[str, str]:
    """Columns of the record -> the table's that are probably meant; each of the table's at most once."""
    by_plain: dict[str, str] = {}
    for name in sorted(names, key=lambda name: name.count(".")):  # the fields of objects last
        if not any(other.startswith(f"{name}.") for other in names):
            by_plain.setdefault(_plain(name), name)
            by_plain.setdefault(_plain(name.removesuffix(_unit_end(name))), name)
    columns: dict[str, str] = {}
    for column, candidates in NAMES.items():
        used = set(columns.values())
        match = next((by_plain[plain] for plain in candidates if by_plain.get(plain) not in (None, *used)), None)
        if match is not None:
            columns[column] = match
    return columns


def guessed_duration_unit(name: str) -> str:
    """The unit at the end of a column's name: latency_s, durationSeconds; without one, milliseconds."""
    return UNIT_ENDS.get(_unit_end(name).strip("_").lower(), "ms")


def guessed_cost_unit(name: str) -> str:
    """Cents where the name says so, else dollars."""
    return "cents" if "cent" in name.lower() else "usd"


def _unit_end(name: str) -> str:
    """The unit of time at the end of a name; empty if there is none."""
    end = re.search(r"(?<=[A-Za-z0-9])(_[A-Za-z]+|(?<=[a-z])[A-Z][a-z]+)$", name)
    return end[0] if end and end[0].strip("_").lower() in (*UNIT_ENDS, "ms", "millis", "milliseconds") else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.rpartition(".")[2].lower())
