"""Asking what panels need: together, in as few queries as their splits allow, and nothing that is known already."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Any

import pyarrow as pa
import streamlit as st

from usagecost import engine
from usagecost.lake import Tallied
from usagecost.queries_panels.latencies import percentiles
from usagecost.queries_panels.question import Need
from usagecost.queries_panels.scope import Scope
from usagecost.queries_panels.single import Sample, Spread, sample_parts, sample_sql, spread_parts, spread_sql
from usagecost.queries_panels.sums import Sums, sums_parts, sums_sql
from usagecost.queries_panels.unfolded import Unfolded, unfolded_parts, unfolded_sql

MOST_KEPT = 1_000
"""Answers that are kept, the last used ones; a board has a few dozen."""
LOCKS = 16

WAYS = {
    Sums: (lambda needs, _, tallied: sums_sql(needs, tallied), lambda answer, needs, _: sums_parts(answer, needs)),
    Unfolded: (unfolded_sql, unfolded_parts),
    Spread: (lambda needs, *_: spread_sql(needs), lambda answer, needs, _: spread_parts(answer, needs)),
    Sample: (lambda needs, *_: sample_sql(needs), lambda answer, needs, _: sample_parts(answer, needs)),
}
"""Kind of need -> the query of those that share one, and what its answer says of each."""


@dataclass
class Kept:
    """Answers by what was needed. The lake's version is part of a need, so none is ever out of date."""

    answers: OrderedDict[Need, pa.Table] = field(default_factory=OrderedDict)
    changing: Lock = field(default_factory=Lock)
    asking: tuple[Lock, ...] = field(default_factory=lambda: tuple(Lock() for _ in range(LOCKS)))

    def known(self, needs: Iterable[Need]) -> dict[Need, pa.Table]:
        """Those of the needs that have been answered."""
        with self.changing:
            found = {need: self.answers[need] for need in needs if need in self.answers}
            for need in found:
                self.answers.move_to_end(need)
            return found

    def keep(self, answers: Mapping[Need, pa.Table]) -> None:
        """Remembers answers, and forgets the oldest."""
        with self.changing:
            self.answers.update(answers)
            while len(self.answers) > MOST_KEPT:
                self.answers.popitem(last=False)


@st.cache_resource(max_entries=1, show_spinner=False)
def kept() -> Kept:
    """The answers of this process."""
    return Kept()


def ask(needs: Iterable[Need]) -> dict[Need, pa.Table]:
    """What the rows say to every need. Readers of one board who come together wait for the same queries."""
    wanted, memory = tuple(dict.fromkeys(needs)), kept()
    known = memory.known(wanted)
    rankings = [need.ranking for need in wanted if isinstance(need, Unfolded) and need.ranking and need not in known]
    ranked = ask([*(need for need in wanted if isinstance(need, Sums)), *rankings]) if rankings else {}
    known |= ranked
    for together in queries_of(need for need in wanted if need not in known):
        with memory.asking[hash(together[0].shares) % LOCKS]:
            found = memory.known(together)
            if len(found) < len(together):
                found |= _answer([need for need in together if need not in found], ranked)
                memory.keep(found)
            known |= found
    return known


def queries_of(needs: Iterable[Need]) -> list[list[Need]]:
    """The needs, those that share a query together."""
    shared: dict[tuple, list[Need]] = {}
    for need in needs:
        shared.setdefault(need.shares, []).append(need)
    return list(shared.values())


def _answer(needs: Sequence[Need], ranked: Mapping[Sums, pa.Table]) -> dict[Need, pa.Table]:
    """What the rows say to needs that share a query. ``ranked``: the answers to what some of them want to know first."""
    sql_of, parts_of = WAYS[type(needs[0])]
    scope: Scope = needs[0].scope
    first, last = scope.start.date(), (scope.end - timedelta(microseconds=1)).date()
    where = {"lake": scope.lake, "version": scope.version, "first_day": first, "last_day": last}
    if isinstance(needs[0], Unfolded) and (found := percentiles(needs, ranked, where)) is not None:
        return unfolded_parts(found, needs, ranked)
    tallied = _tallied(needs, where)
    sql, parameters = sql_of(needs, ranked, tallied)
    return parts_of(engine.table(sql, parameters, **where, tallied=tallied), needs, ranked)


def _tallied(needs: Sequence[Need], where: Mapping[str, Any]) -> Tallied | None:
    """How the needs can be told from tallies; None if only requests can tell them."""
    told = [need for need in needs if isinstance(need, Sums | Unfolded) and need.told_by]
    if len(told) < len(needs):
        return None
    return engine.tallied({need.told_by for need in told}, {cut for need in told for cut in need.cuts}, **where)
