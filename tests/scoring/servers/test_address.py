from __future__ import annotations

import pytest

from scoring.servers.address import STORE_PORT, Kind, Node, parse_address


@pytest.mark.parametrize(
    ("url", "kind", "tls", "nodes"),
    [
        ("redis://store", Kind.SINGLE, False, [("store", STORE_PORT)]),
        ("redis://", Kind.SINGLE, False, [("localhost", STORE_PORT)]),
        ("redis://[::1]:7000/2", Kind.SINGLE, False, [("::1", 7000)]),
        ("rediss://user:pw@store:6380", Kind.SINGLE, True, [("store", 6380)]),
        ("unix:///run/store.sock?db=2", Kind.SINGLE, False, [("/run/store.sock", 0)]),
        ("redis+sentinel://a,b:1,[::1]:2/m", Kind.SENTINEL, False, [("a", 26379), ("b", 1), ("::1", 2)]),
        ("rediss+sentinel://a:3/m/4", Kind.SENTINEL, True, [("a", 3)]),
        ("redis+cluster://u:p@a:1,b", Kind.CLUSTER, False, [("a", 1), ("b", STORE_PORT)]),
        ("rediss+cluster://a:1/0", Kind.CLUSTER, True, [("a", 1)]),
    ],
)
def test_an_address_names_its_servers(url: str, kind: Kind, tls: bool, nodes: list[tuple[str, int]]) -> None:
    address = parse_address(url)
    assert (address.kind, address.tls) == (kind, tls)
    assert address.nodes == tuple(Node(*node) for node in nodes)


def test_what_stands_in_an_address_reaches_the_connection() -> None:
    address = parse_address("rediss://user:p%40ss@store/3?ssl_ca_certs=/ca.pem&client_name=fb")
    assert address.options == {
        "username": "user",
        "password": "p@ss",
        "db": 3,
        "ssl_ca_certs": "/ca.pem",
        "client_name": "fb",
    }


def test_the_sentinels_have_credentials_of_their_own_and_the_same_tls() -> None:
    address = parse_address(
        "rediss+sentinel://user:pw@a,b/my%2Dmaster/3?sentinel_username=su&sentinel_password=sp&ssl_ca_certs=/ca"
    )
    assert address.service == "my-master"
    assert address.options == {"username": "user", "password": "pw", "db": 3, "ssl_ca_certs": "/ca"}
    assert address.sentinel_options == {"username": "su", "password": "sp", "ssl_ca_certs": "/ca"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://user:secret-word@store",
        "redis://:secret-word/@store:6379",
        "redis://store:port",
        "redis://[::1",
        "unix://",
        "redis+sentinel://user:secret-word@a:1,b:2",
        "redis+sentinel://user:secret-word@a:1,b:2/",
        "redis+sentinel://user:secret-word@a:1,b:2/mymaster/first",
        "redis+sentinel:///mymaster",
        "redis+sentinel://a,,b/mymaster",
        "redis+cluster://user:secret-word@",
        "redis+cluster://user:secret-word@a:1/3",
        "redis+cluster://a?sentinel_password=secret-word",
        "redis+other://user:secret-word@a",
        "redis://store?no_such_option=secret-word",
        "redis://store?socket_timeout=5",
        "redis://store?protocol=3",
        "redis://store?ssl_min_version=secret-word",
        "redis+cluster://a:secret-word",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_address(url)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["rediss://u:secret-word@s", "redis+sentinel://:secret-word@s/m?sentinel_password=secret-word"]
)
def test_neither_text_nor_repr_shows_a_password(url: str) -> None:
    address = parse_address(url)
    assert "secret-word" not in str(address) + repr(address)
