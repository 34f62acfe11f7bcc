"""Expressions of mappings: SQL for one value out of one row, which can do nothing else.

Whoever writes a mapping may not read files with it, look at other rows, or say something else about a row each time it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

import duckdb

from usagecost.sources.mapping import MappingProblem, TableMapping
from usagecost.sources.sql import identifier

_NO_VALUE_OF_A_ROW = frozenset(("SUBQUERY", "STAR", "WINDOW", "PARAMETER"))
_RESERVED = ("row", "line", "source_file", "fingerprint")
_MANY_ROWS = frozenset(("unnest", "unlist", "generate_subscripts"))


def expressions_of(mapping: TableMapping) -> dict[tuple[str, str], str]:
    """Table and name -> SQL: the steps first, in their order, as the others speak of them."""
    values = {"columns": mapping.columns, "attributes": mapping.attributes}
    return {
        **{("steps", name): sql for name, sql in mapping.steps.items()},
        **{(table, name): value.sql for table, entries in values.items() for name, value in entries.items() if value.sql},
        **{("skipped", name): sql for name, sql in mapping.skipped.items()},
    }


def check_expressions(mapping: TableMapping) -> None:
    """Raises MappingProblem if a name or an expression of a mapping, or of its variants, cannot be used."""
    for name in (*mapping.fields, *mapping.steps):
        if name in _RESERVED or not re.fullmatch("[a-z][a-z0-9_]*", name):
            raise MappingProblem(
                f"{name} is no name for a field or a step: use small letters, digits and _, and not {', '.join(_RESERVED)}."
            )
    if both := mapping.fields.keys() & mapping.steps.keys():
        raise MappingProblem(f"{min(both)} stands under [fields] and under [steps]: keep one of them.")
    expressions = expressions_of(mapping)
    if expressions:
        with duckdb.connect(config={"enable_external_access": "false"}) as con:
            unsteady = {name for (name,) in con.sql(_UNSTEADY).fetchall()}
            stage = f'(SELECT 1 AS "row"{"".join(f", NULL::VARCHAR AS {identifier(name)}" for name in mapping.fields)})'
            for (table, name), sql in expressions.items():
                problem = _problem(con, sql, stage, unsteady)
                if problem:
                    raise MappingProblem(f"[{table}] {name}: {problem}")
                if table == "steps":
                    stage = f"(SELECT *, ({sql}) AS {identifier(name)} FROM {stage})"
    for variant in mapping.variants:
        check_expressions(variant.mapping)


_UNSTEADY = "SELECT function_name FROM duckdb_functions() GROUP BY ALL HAVING NOT bool_or(stability = 'CONSISTENT')"


def _problem(con: duckdb.DuckDBPyConnection, sql: str, stage: str, unsteady: set[str]) -> str | None:
    """What is wrong with an expression, in a sentence."""
    if "--" in sql or "/*" in sql:
        return "an expression has no comments. Write them as comments of TOML, above it."
    (text,) = con.execute("SELECT json_serialize_sql($1::VARCHAR)", [f"SELECT ({sql})"]).fetchone() or ("",)
    parsed = json.loads(text)
    if parsed["error"]:
        return f"that is no expression of SQL ({parsed['error_message']})."
    query = parsed["statements"][0]["node"]
    if len(parsed["statements"]) != 1 or len(query["select_list"]) != 1:
        return "an expression is one value."
    nodes = list(_nodes(query["select_list"]))
    if any(node.get("class") in _NO_VALUE_OF_A_ROW for node in nodes):
        return "an expression is a value of one row: it asks no tables and looks at no other rows."
    functions = {str(node["function_name"]).lower() for node in nodes if node.get("function_name")}
    if unstable := functions & (unsteady | _MANY_ROWS):
        return f"{min(unstable)} does not give one and the same value each time."
    try:
        con.execute(f'SELECT "row", ({sql}) FROM {stage} LIMIT 0')
    except duckdb.Error as error:
        return f"{str(error).splitlines()[0].rstrip('.')}. Known are the names under [fields] and the steps above."
    return None


def _nodes(value: object) -> Iterator[Mapping[str, object]]:
    """All objects within a parsed statement."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(inner)


def fields_in(mapping: TableMapping, sql: str) -> set[str]:
    """The fields that an expression speaks of, itself or by steps."""
    fields = _mentions(sql, mapping.fields)
    for step in _mentions(sql, mapping.steps):
        fields |= fields_in(mapping, mapping.steps[step])
    return fields


def in_stages(steps: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The steps in groups, none of which speaks of another of its group."""
    group: dict[str, str] = {}
    for name, sql in steps.items():
        if _mentions(sql, group):
            yield group
            group = {}
        group[name] = sql
    if group:
        yield group


def _mentions(sql: str, names: Iterable[str]) -> set[str]:
    """Those of some names that stand in an expression, perhaps in a text of it."""
    words = set(re.findall(r"\w+", sql))
    return {name for name in names if name in words}
