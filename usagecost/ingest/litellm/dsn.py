"""Where a database is, as people write it down; and how to speak of it without giving its password away."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode

_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"

_PRISMA = frozenset(
    {
        "schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout", "statement_cache_size", "sslaccept",
        "sslidentity", "sslpassword", "single_use_connections",
    }
)  # fmt: skip
"""What LiteLLM's own DATABASE_URL may say beside libpq's options, which libpq refuses."""

_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "fallback_application_name": "usagecost",
}
"""What holds unless the DSN says otherwise: a server that has gone silent is given up within a minute."""

_OPTION = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']\S*|)")
_URL = re.compile(r"\w+://((?P<user>[^@/?#]*)@)?(?P<hosts>[^@/?#]*)(/(?P<database>[^@?#]*))?(\?(?P<query>[^@#]*))?")
"""What is not escaped in a password ends the part before it: then an @ stands where none can be, or no port where one should."""

_HOSTS = re.compile(r"((\[[^\]]*\]|[^:,\[\]]*)(:\d*)?(,|$))*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class DsnProblem(Exception):  # noqa: N818 - a sentence for who typed it
    """What is wrong with a DSN; never with a part of it, as that may be the password's."""


@dataclass(frozen=True)
class Dsn:
    """A database. `libpq` is what its library takes; `address` is what a person may see; `schema` is where the tables are."""

    libpq: str = field(repr=False)
    address: str
    schema: str | None
    secrets: tuple[str, ...] = field(repr=False)

    def redacted(self, text: str) -> str:
        """A text of somebody else's without the password."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def read_dsn(text: str) -> Dsn:
    """A DSN as a URL or as libpq's key=value pairs; raises DsnProblem."""
    return _parse_url(text.strip()) if "://" in text else _parse_pairs(text.strip())


def _parse_url(text: str) -> Dsn:
    problem = DsnProblem(
        f"--dsn cannot be read: write {_FORM}, and in user and password %40 for @, %2F for /, %3A for :, %23 for #, %3F for ? "
        "and %25 for %."
    )
    if not re.match("postgres(ql)?://", text):
        raise DsnProblem(f"--dsn names no PostgreSQL database: write {_FORM}.")
    match = _URL.fullmatch(text)
    if not match or _BROKEN_ESCAPE.search(text) or not _HOSTS.fullmatch(match["hosts"]):
        raise problem
    options = dict(parse_qsl((match["query"] or "").replace("+", "%2B"), keep_blank_values=True))
    libpq_options = {name: value for name, value in {**_DEFAULTS, **options}.items() if name not in _PRISMA}
    name, _, password = (match["user"] or "").partition(":")
    database = unquote(match["database"] or "") or options.get("dbname") or unquote(name)
    secrets = {password, unquote(password), options.get("password", ""), options.get("sslpassword", "")} - {""}
    return Dsn(
        libpq=f"{text.partition('?')[0]}?{urlencode(libpq_options, quote_via=quote)}",
        address=f"{match['hosts'] or options.get('host', 'localhost')}/{database}",
        schema=options.get("schema"),
        secrets=tuple(sorted(secrets, key=len, reverse=True)),
    )


def _parse_pairs(text: str) -> Dsn:
    if not text or _OPTION.sub("", text).strip():
        raise DsnProblem(f"--dsn cannot be read: write {_FORM}.")
    options = {name: re.sub(r"\\(.)", r"\1", value.strip("'")) for name, value in _OPTION.findall(text)}
    database = options.get("dbname") or options.get("user", "")
    return Dsn(
        libpq=" ".join([text, *(f"{name}={value}" for name, value in _DEFAULTS.items() if name not in options)]),
        address=f"{options.get('host', 'localhost')}:{options.get('port', 5432)}/{database}",
        schema=None,
        secrets=tuple(secret for name, secret in options.items() if name in ("password", "sslpassword") and secret),
    )
