"""How a database is written down, and that its password never shows."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usagecost.ingest.litellm import DsnProblem, read_dsn


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        ("postgresql://u:p@db.example.com:5432/litellm", "db.example.com:5432/litellm"),
        ("postgres://u@db/litellm?sslmode=require", "db/litellm"),
        ("postgresql://[::1]:5433/litellm", "[::1]:5433/litellm"),
        ("postgresql://u:p@a:1,b:2/litellm", "a:1,b:2/litellm"),
        ("postgresql:///litellm?host=/var/run/postgresql", "/var/run/postgresql/litellm"),
        ("postgresql://u:p@db", "db/u"),
        ("host=db port=6432 user=u password='a b' dbname=litellm", "db:6432/litellm"),
    ],
)
def test_a_database_is_called_by_its_address(dsn: str, address: str):
    assert read_dsn(dsn).address == address


def test_what_litellm_says_to_its_own_library_is_left_out():
    dsn = read_dsn("postgresql://u:p@db/litellm?schema=proxy&connection_limit=10&pgbouncer=true&sslmode=require&connect_timeout=3")
    options = set(dsn.libpq.partition("?")[2].split("&"))

    assert dsn.schema == "proxy"
    assert {"sslmode=require", "connect_timeout=3"} <= options
    assert not any(option.startswith(("schema", "connection_limit", "pgbouncer")) for option in options)


@pytest.mark.parametrize("dsn", ["", "litellm", "mysql://u:p@db/litellm", "postgresql://db:port/litellm", "password=' host=db"])
def test_what_is_no_database_is_said(dsn: str):
    with pytest.raises(DsnProblem, match=r"--dsn .* write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"):
        read_dsn(dsn)


MARKED = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20).map(lambda text: f"S3K{text}R7T")
"""Passwords that no other word contains."""


@given(MARKED)
def test_an_escaped_password_is_passed_on_and_never_shown(password: str):
    escaped = quote(password, safe="")
    dsn = read_dsn(f"postgresql://user:{escaped}@db:5432/litellm")

    assert f":{escaped}@" in dsn.libpq
    assert "S3K" not in repr(dsn)
    assert dsn.redacted(f"a {password} b {escaped}").replace("***", "") == "a  b "


@given(MARKED)
def test_a_password_that_is_not_escaped_is_refused_or_whole_and_never_shown(password: str):
    """libpq would take a piece of it for the host or the port, and print that."""
    with suppress(DsnProblem):
        dsn = read_dsn(f"postgresql://user:{password}@db:5432/litellm")

        assert dsn.address == "db:5432/litellm"
        assert "S3K" not in repr(dsn)
        return
    with pytest.raises(DsnProblem) as problem:
        read_dsn(f"postgresql://user:{password}@db:5432/litellm")

    assert "S3K" not in str(problem.value)
    assert "R7T" not in str(problem.value)


@given(MARKED)
def test_a_password_among_pairs_is_never_shown(password: str):
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    dsn = read_dsn(f"host=db password='{quoted}' dbname=litellm")

    assert dsn.address == "db:5432/litellm"
    assert "S3K" not in repr(dsn)
    assert "S3K" not in dsn.redacted(f"a {password} b")
