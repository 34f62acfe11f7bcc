"""The API: serving it, and the tokens of those who ask it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from usagecost.cli.console import (
    WRONG_USAGE,
    LakeOption,
    asked_filter,
    err,
    fail,
    lake_named,
    out,
    print_line,
    print_table,
    recording,
)
from usagecost.lake import Lake, lake_root
from usagecost.serve.tokens import Token, make_token, read_tokens, remove_token
from usagecost.toml_lines import refusal
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.labels import NO_LABELS, Labels

Act = Literal["add", "list", "remove"]
"""What is done with tokens."""


def serve(
    lake: LakeOption = None,
    host: Annotated[str, typer.Option(help="Where to listen. Beyond this machine put a proxy with TLS before it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.", min=1, max=65_535)] = 8600,
    label: Annotated[str, typer.Option(help=f"What /metrics tells apart: {', '.join(DIMENSIONS)}.")] = "model",
    per_minute: Annotated[int, typer.Option(help="How often a token may ask in a minute.", min=1, max=100_000)] = 120,
) -> None:
    """Serve the numbers to other tools: a read-only HTTP API, /openapi.json, and /metrics for Prometheus.

    GET /v1/usage?metrics=spend_usd,requests&by=team&interval=day&start=2026-11-01&filter=provider=openai and /v1/requests,
    /v1/budgets, /v1/reconciliation, /v1/vocabulary. Assistants ask /mcp, where requirements-mcp.txt is installed. Who asks shows a
    token: see `token`.
    """
    import uvicorn

    from usagecost.ingest.receiver.connections import Connection
    from usagecost.serve.http import Api

    if label not in DIMENSIONS:
        fail(f"--label {label} is no dimension: use one of {', '.join(DIMENSIONS)}.", WRONG_USAGE)
    root = lake or lake_root()
    read_tokens(lake_named(lake))  # ends here where their file is broken
    print_line(f"Serving {root} on http://{host}:{port}; the document is /openapi.json")
    app = Api(root, label, per_minute).app()
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=Connection,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
    )


def token(
    act: Annotated[Act, typer.Argument(help="add, list or remove.")],
    name: Annotated[str | None, typer.Argument(help="Whose it is, or what it is for.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="dimension=value that it may see, can be repeated; of everything without.")
    ] = None,
    person: Annotated[
        str | None, typer.Option("--as", help="An e-mail: it sees what that person may see, by access.toml, at any time.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="For how many days it may be used. Default: until it is removed.", min=1, max=36_500)
    ] = None,
    lake: LakeOption = None,
) -> None:
    """Make, list or remove tokens of the API. A new one is shown once: the lake keeps its hash."""
    handle = lake_named(lake)
    if act == "list":
        _list(handle)
        return
    if name is None:
        fail(f"Name the token: `python -m usagecost token {act} NAME`.", WRONG_USAGE)
    try:
        if act == "remove":
            with recording(handle, "token", f"remove {name}"):
                remove_token(handle, name)
            out.print(f"{name} is removed: a running server refuses it from now on.")
            return
        today = datetime.now(UTC).date()
        scope, until = _scope(handle, only or []), today + timedelta(days=days) if days else None
        with recording(handle, "token", f"add {name}") as entry:
            secret = make_token(handle, name, today, until=until, only=scope, person=person)
            entry.after = f"sees {_sees(scope, person)}, until {until or 'it is removed'}"
        print_line(secret)
    except ValidationError as problem:
        fail(_sentence(problem), WRONG_USAGE)
    err.print("It is shown this once. Send it as: Authorization: Bearer …")


def mcp(
    lake: LakeOption = None,
    only: Annotated[
        list[str] | None, typer.Option(help="dimension=value that it may see, can be repeated; everything without.")
    ] = None,
) -> None:
    """Answer an assistant that starts this command, by the Model Context Protocol over its input and output.

    Tools: usage, requests, budgets, reconciliation, vocabulary. It reads only; see requirements-mcp.txt.
    """
    try:
        from usagecost.serve.assistants import tools
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.startswith("usagecost"):
            raise
        fail("Tools for assistants need one more package: pip install -r requirements-mcp.txt")
    from usagecost.serve.http import Api

    try:
        reader = Token(name="assistant", sha256="0" * 64, made=datetime.now(UTC).date(), only=_scope(lake_named(lake), only or []))
    except ValidationError as problem:
        fail(_sentence(problem), WRONG_USAGE)
    tools(partial(Api(lake or lake_root()).told, token=reader)).run("stdio")


def _sentence(problem: ValidationError) -> str:
    return f"{problem.errors()[0]['loc'][0]}: {refusal(problem)}."


def _scope(lake: Lake, only: list[str]) -> dict[str, tuple[str, ...]]:
    """The values by dimension; a team, user or key may be named by its name."""
    values: dict[str, tuple[str, ...]] = {}
    labels = Labels.of_names(lake.rows("names")) if only else NO_LABELS
    for name, value in (asked_filter(text, "--only") for text in only):
        values[name] = (*values.get(name, ()), labels.id_of(name, value))
    return values


def _list(lake: Lake) -> None:
    rows = [(one.name, one.made, one.until or "–", _sees(one.only, one.person)) for one in read_tokens(lake)]
    print_table(("name", "made", "until", "sees"), rows, folds=("name", "sees"))


def _sees(only: dict[str, tuple[str, ...]], person: str | None) -> str:
    if person:
        return f"what {person} sees"
    return ", ".join(f"{name} {' or '.join(values)}" for name, values in only.items()) or "everything"
