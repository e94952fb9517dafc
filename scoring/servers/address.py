"""Where the signal store is: one server, the master that Sentinels name, or the masters of a Cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from redis.asyncio.connection import parse_url

KEEPERS_PORT = 26379  # where Sentinels listen unless told otherwise
STORE_PORT = 6379
HELP = (
    "give a redis://, rediss:// or unix:// address, such as redis://store:6379/0, "
    "redis+sentinel://h1:26379,h2:26379/mymaster/0 or redis+cluster://h1:6379,h2:6379"
)
_SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}
# What an address may set. Not time-outs, retries and the protocol: the read budget rules those.
_OPTIONS = {
    "db", "username", "password", "client_name", "health_check_interval",
    "socket_keepalive", "socket_read_size",
    "ssl_ca_certs", "ssl_ca_data", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname",
    "ssl_ciphers", "ssl_exclude_verify_flags", "ssl_include_verify_flags", "ssl_keyfile", "ssl_min_version",
    "ssl_password",
}  # fmt: skip
_PLACE = {"host", "port", "path", "connection_class"}


class Kind(StrEnum):
    """How many servers there are, and who knows which."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


class Node(NamedTuple):
    """One server: a host and a port, or the path of a socket and port 0."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


@dataclass(frozen=True, slots=True)
class Address:
    """What an address says. Neither its text nor its repr holds a password."""

    kind: Kind
    nodes: tuple[Node, ...]  # the server; the Sentinels; or those of a Cluster that are asked first
    tls: bool = False
    service: str = ""  # the Sentinels' name for the master
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # of a connection to the store
    sentinel_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"{self.kind} store at {', '.join(map(str, self.nodes))}"


def parse_address(url: str) -> Address:
    """Read an address.

    - `redis://user:password@host:6379/0`, with TLS `rediss://...`: one server.
    - `unix:///path/to/socket?db=0`: one server on this machine.
    - `redis+sentinel://user:password@h1:26379,h2:26379/mymaster/0`: the master of that name. User and
      password are its; the Sentinels' own are the options `sentinel_username` and `sentinel_password`.
    - `redis+cluster://user:password@h1:6379,h2:6379`: a Cluster; any of its servers will do, two or three are
      safer. So that a part of it that is gone costs only its own accounts, let the servers have
      `cluster-require-full-coverage no`.

    `rediss+sentinel://` and `rediss+cluster://` are the same over TLS. Options follow in the query as
    redis-py names them (`?ssl_ca_certs=/path/ca.pem&client_name=firebrand`). A password with `@`, `/`, `:` or
    `%` in it is percent-encoded.

    Raises:
        ValueError: it is none of these. The message repeats nothing of the address: it may hold a password.

    >>> address = parse_address("rediss+sentinel://:secret@one,two:5000/mymaster/3")
    >>> address.kind.value, address.tls, address.service, address.options["db"]
    ('sentinel', True, 'mymaster', 3)
    >>> print(address)
    sentinel store at one:26379, two:5000
    """
    try:
        parts = urlsplit(url)
        scheme, _, kind = parts.scheme.partition("+")
    except ValueError:
        raise ValueError(HELP) from None
    if parts.scheme in {"redis", "rediss", "unix"}:
        return _single(url, tls=scheme == "rediss")
    if scheme in {"redis", "rediss"} and kind in {Kind.SENTINEL, Kind.CLUSTER}:
        return _many(Kind(kind), scheme, url)
    raise ValueError(HELP)


def _single(url: str, *, tls: bool) -> Address:
    options = _options(url)
    if "path" in options:
        node = Node(options["path"], 0)
    elif url.startswith("unix:"):
        raise ValueError("give the path of the store's socket, such as unix:///run/valkey.sock")
    else:
        node = Node(options.get("host", "localhost"), options.get("port", STORE_PORT))
    return Address(Kind.SINGLE, (node,), tls, options=_of_connection(options))


def _many(kind: Kind, scheme: str, url: str) -> Address:
    """Read the addresses of several servers, each as if it stood alone."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    service, db = "", parts.path.strip("/")
    if kind is Kind.SENTINEL:
        service, _, db = db.partition("/")
        if not service:
            raise ValueError("name the master, as in redis+sentinel://h1:26379,h2:26379/mymaster/0")
    each = [_options(f"{scheme}://{credentials}{at}{host}/{db}?{parts.query}") for host in hosts.split(",")]
    usual = KEEPERS_PORT if kind is Kind.SENTINEL else STORE_PORT
    if not all(options.get("host") for options in each):
        raise ValueError(HELP)
    if db and not db.isdigit():
        raise ValueError("the database is a number, as in redis+sentinel://h1:26379/mymaster/0")
    if kind is Kind.CLUSTER and each[0].get("db"):
        raise ValueError("a Cluster has no databases but 0")
    options = each[0]
    own = {to: options.pop(name) for name, to in _SENTINEL_OPTIONS.items() if name in options}
    if own and kind is not Kind.SENTINEL:
        raise ValueError("sentinel_username and sentinel_password are for redis+sentinel:// addresses")
    of_connection = _of_connection(options)
    ssl = {name: value for name, value in of_connection.items() if name.startswith("ssl_")}
    return Address(
        kind,
        tuple(Node(one["host"], one.get("port", usual)) for one in each),
        scheme == "rediss",
        unquote(service),
        of_connection,
        ssl | own,
    )


def _options(url: str) -> dict[str, Any]:
    try:
        return dict(parse_url(url))
    except ValueError:
        raise ValueError(HELP) from None


def _of_connection(options: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(options) - _OPTIONS - _PLACE):
        # The name is the sender's own text, so only the number of them is told.
        allowed = ", ".join(sorted(_OPTIONS))
        raise ValueError(f"{len(unknown)} of the address's options cannot be set; these can: {allowed}")
    return {name: value for name, value in options.items() if name in _OPTIONS}
