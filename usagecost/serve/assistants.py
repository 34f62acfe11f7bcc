"""Tools for assistants by the Model Context Protocol: the API's questions, asked by a program that somebody talks to.

Over its input and output it runs for one person on one machine, who may see what is said when it is started; over HTTP it is a part
of the API, and an assistant may see what its token may.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import Field
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from usagecost.periods import INTERVALS
from usagecost.serve import answers
from usagecost.serve.answers import Answer, json_text
from usagecost.vocabulary import DIMENSIONS, SPLITS

MOST_BODY_BYTES = 256 << 10

Told = Callable[[Answer, QueryParams], Awaitable[str]]
"""What answers a question for who asks, as JSON; raises HTTPException with what is wrong with it."""

READS_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Day = Annotated[str | None, Field(description="YYYY-MM-DD, in the zone; without days: the last 30")]
Zone = Annotated[str | None, Field(description="IANA time zone of the days; the reporting zone if none is named")]
_CONDITIONS = f"dimension=value or dimension!=value, those of one dimension are ORed: {', '.join(DIMENSIONS)}"
Only = Annotated[Sequence[str], Field(description=_CONDITIONS)]


def over_http(told: Told) -> StreamableHTTPSessionManager:
    """The tools over HTTP, for who has shown a token: no request depends on an earlier one."""
    # Pages of other sites may well send it requests, but know no token.
    trusting = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server = tools(told)
    server.streamable_http_app(
        stateless_http=True, json_response=True, max_request_body_size=MOST_BODY_BYTES, transport_security=trusting
    )
    return server.session_manager


def tools(told: Told) -> MCPServer:
    """The server of the tools."""
    server = MCPServer(
        "usage-and-cost",
        title="Usage & Cost",
        instructions="Usage, cost, latency and failures of requests to language models, as the pages of Usage & Cost show them. "
        "Numbers are null where nothing is known; where incomplete_requests is above 0, the spend is a lower bound: say so. "
        "Quote numbers as they are, with the days, the zone, and the link `page`, where there is one.",
        log_level="WARNING",
    )
    ask = partial(_asked, told)

    @server.tool(annotations=READS_ONLY)
    def vocabulary() -> str:
        """What can be asked: metrics with what they mean, and what numbers can be split and filtered by. Ask this first."""
        return json_text(answers.vocabulary())

    @server.tool(annotations=READS_ONLY)
    async def usage(
        metrics: Annotated[Sequence[str], Field(description="Names of metrics; see vocabulary")] = (),
        by: Annotated[str | None, Field(description=f"A row a value of one of {', '.join(SPLITS)}")] = None,
        interval: Annotated[str | None, Field(description=f"A row an interval of one of {', '.join(INTERVALS)}")] = None,
        start: Day = None,
        end: Day = None,
        zone: Zone = None,
        filters: Only = (),
    ) -> str:
        """Metrics of a range of days, by a dimension, over time, or both; the dearest first."""
        return await ask(answers.usage, metrics=metrics, by=by, interval=interval, start=start, end=end, zone=zone, filter=filters)

    @server.tool(annotations=READS_ONLY)
    async def requests(
        sort: Annotated[str, Field(description="time, cost, tokens, latency, ttft, …: the greatest first")] = "cost",
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        cursor: Annotated[str | None, Field(description="`next` of the page before")] = None,
        start: Day = None,
        end: Day = None,
        zone: Zone = None,
        filters: Only = (),
    ) -> str:
        """Single requests with model, user, tokens, cost, latency and outcome; never what was said in them."""
        parameters = {"sort": sort, "limit": str(limit), "cursor": cursor, "start": start, "end": end, "zone": zone}
        return await ask(answers.requests, **parameters, filter=filters)

    @server.tool(annotations=READS_ONLY)
    async def budgets() -> str:
        """How each budget stands: amount, used, forecast of its end."""
        return await ask(answers.budgets)

    @server.tool(annotations=READS_ONLY)
    async def reconciliation() -> str:
        """Each month's bills of a provider against the logs: the difference, its causes, and what is left unexplained."""
        return await ask(answers.reconciliation)

    return server


async def _asked(told: Told, answer: Answer, **said: str | Sequence[str] | None) -> str:
    """The answer of a question as JSON; raises ToolError with what is wrong with it."""
    words = [(name, word) for name, words in said.items() for word in ([words] if isinstance(words, str) else words or ())]
    try:
        return await told(answer, QueryParams(words))
    except HTTPException as problem:
        raise ToolError(problem.detail) from None
