"""LiteLLM's tables as its proxy makes them, and traffic in them: what sync is tested against."""

from __future__ import annotations

from collections.abc import Mapping

from tests.postgres import Server

SPEND_LOGS = """
CREATE TABLE "LiteLLM_SpendLogs" (
    request_id TEXT NOT NULL PRIMARY KEY,
    call_type TEXT NOT NULL,
    api_key TEXT NOT NULL DEFAULT '',
    spend DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    total_tokens INTEGER NOT NULL DEFAULT 0,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    "startTime" TIMESTAMP(3) NOT NULL,
    "endTime" TIMESTAMP(3) NOT NULL,
    "completionStartTime" TIMESTAMP(3),
    model TEXT NOT NULL DEFAULT '',
    model_id TEXT DEFAULT '',
    model_group TEXT DEFAULT '',
    custom_llm_provider TEXT DEFAULT '',
    api_base TEXT DEFAULT '',
    "user" TEXT DEFAULT '',
    metadata JSONB DEFAULT '{}',
    cache_hit TEXT DEFAULT '',
    cache_key TEXT DEFAULT '',
    request_tags JSONB DEFAULT '[]',
    team_id TEXT,
    organization_id TEXT,
    end_user TEXT,
    requester_ip_address TEXT,
    messages JSONB DEFAULT '{}',
    response JSONB DEFAULT '{}',
    session_id TEXT,
    status TEXT,
    mcp_namespaced_tool_name TEXT,
    proxy_server_request JSONB DEFAULT '{}'
);
CREATE INDEX ON "LiteLLM_SpendLogs" ("startTime");
CREATE INDEX ON "LiteLLM_SpendLogs" (end_user);
CREATE INDEX ON "LiteLLM_SpendLogs" (session_id);
CREATE TABLE "LiteLLM_TeamTable" (team_id TEXT PRIMARY KEY, team_alias TEXT, members_with_roles JSONB DEFAULT '{}');
CREATE TABLE "LiteLLM_UserTable" (user_id TEXT PRIMARY KEY, user_alias TEXT, user_email TEXT);
CREATE TABLE "LiteLLM_VerificationToken" (token TEXT PRIMARY KEY, key_name TEXT, key_alias TEXT);
"""

TRAFFIC = """
INSERT INTO "LiteLLM_SpendLogs" (
    request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, "startTime", "endTime",
    "completionStartTime", model, model_id, model_group, custom_llm_provider, api_base, "user", metadata, cache_hit, request_tags,
    team_id, end_user, session_id, status, messages, response, proxy_server_request
)
SELECT
    '{prefix}' || i, 'acompletion', encode(sha256(('key ' || i % 50)::bytea), 'hex'), (i * 7919 % 90000) / 1000000.0,
    100 + i % 4000 + i % 700, 100 + i % 4000, i % 700, started, started + (i * 31 % 9000) * interval '1 ms',
    started + (i * 31 % 2000) * interval '1 ms', 'gpt-4o-mini', 'deployment-' || i % 4, 'gpt-4o-mini', 'openai',
    'https://api.openai.com', 'user-' || i % 500,
    jsonb_build_object(
        'status', 'success', 'user_api_key_alias', 'key-' || i % 50, 'user_api_key_team_alias', 'Team ' || i % 20,
        'usage_object', jsonb_build_object(
            'prompt_tokens', 100 + i % 4000, 'completion_tokens', i % 700, 'total_tokens', 100 + i % 4000 + i % 700,
            'prompt_tokens_details', jsonb_build_object('cached_tokens', i % 100, 'audio_tokens', NULL),
            'completion_tokens_details', jsonb_build_object('reasoning_tokens', i % 700 / 2)
        )
    ),
    'False', '["production", "team-chat"]', 'team-' || i % 20, 'customer-' || i % 300, 'session-' || i / 20, 'success',
    '[{{"role": "user", "content": "SECRET PROMPT"}}]', '{{"content": "SECRET ANSWER"}}', '{{"body": "SECRET PROMPT"}}'
FROM (
    SELECT i, timestamp '{first}' + i * interval '{step}' AS started
    FROM generate_series({start}::bigint, {start} + {rows} - 1) AS numbers (i)
) AS numbered;
"""


def add_traffic(
    server: Server, database: str, rows: int, *, start: int = 0, first: str = "2026-11-10", step: str = "4 s", prefix: str = "r"
) -> None:
    """Requests one after the other, the first so many steps after an instant as `start` says."""
    server.run(TRAFFIC.format(prefix=prefix, first=first, step=step, start=start, rows=rows), database)


def litellm_database(server: Server) -> str:
    """A new database with LiteLLM's tables, empty."""
    database = server.new_database()
    server.run(SPEND_LOGS, database)
    return database


def requests_in(server: Server, database: str) -> Mapping[str, tuple[int, int, str]]:
    """Input tokens, output tokens and cost of each request, as the table has them."""
    rows = server.run(
        'SELECT request_id, prompt_tokens, completion_tokens, spend::numeric(18, 9) FROM "LiteLLM_SpendLogs"', database
    )
    return {name: (int(given), int(taken), cost) for name, given, taken, cost in (row.split("|") for row in rows.splitlines())}
