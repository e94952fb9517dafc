from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.account import (
    LONGEST_IDENTITY,
    SHARED_DOMAINS,
    Account,
    account_keys,
    keys_named,
    normalise_domain,
)
from scoring.errors import RequestError


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("acme.com", "acme.com"),
        (" ACME.com. ", "acme.com"),
        ("https://www.acme.com/about?x=@b.com#y", "acme.com"),
        ("http://jo:secret@shop.acme.com:8080", "acme.com"),
        ("acme.com:443", "acme.com"),
        ("jo.doe+crm@mail.acme.io", "acme.io"),
        ("mailto:jo@acme.io", "acme.io"),
        ("a.b.acme.co.uk", "acme.co.uk"),
        ("acme.github.io", "acme.github.io"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("WWW.BÜCHER.de", "xn--bcher-kva.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("shop.公司.cn", "shop.xn--55qx5d.cn"),
        ("acme。com。", "acme.com"),
        ("my_host.acme-co.com", "acme-co.com"),
    ],
)
def test_a_domain_is_read_from_urls_emails_ports_and_international_names(written: str, domain: str) -> None:
    assert normalise_domain(written) == domain


@pytest.mark.parametrize("suffix", ["com", "co.uk", "github.io", "公司.cn", "https://co.uk/"])
def test_a_public_suffix_itself_is_no_domain(suffix: str) -> None:
    assert normalise_domain(suffix) is None


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "http://192.168.1.1:8080/x", "http://[2001:db8::1]/", "::1", "localhost", "acme.invalid"],
)
def test_an_address_or_a_private_name_is_no_domain(host: str) -> None:
    assert normalise_domain(host) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "n/a",
        "...",
        "https://",
        "jo@",
        "acme..com",
        "Acme Inc. com",
        "foo acme.com",
        "acme.com, beta.com",
        "acme.com;beta.com",
        "acme.com|beta.com",
        "acme%2ecom.com",
        f"{'a' * 64}.com",
        f"{'é' * 64}.com",
        "acme.com\ud800",
    ],
)
def test_what_is_not_one_host_name_is_no_domain(text: str) -> None:
    assert normalise_domain(text) is None


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9_.é@:/-]{1,30}\.(com|co\.uk|de)", fullmatch=True))
def test_a_domain_is_a_plain_host_name_and_its_own_domain(text: str) -> None:
    domain = normalise_domain(text)
    if domain is not None:
        assert set(domain) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
        assert normalise_domain(domain) == normalise_domain(f"https://jo@www.{domain}:80/x") == domain


def test_an_account_is_known_by_id_domain_or_both() -> None:
    assert Account("A-1").keys == ("a:A-1",)
    assert Account(domain="https://www.acme.co.uk").keys == ("d:acme.co.uk",)
    assert Account(" A-1 ", "jo@acme.com").keys == ("a:A-1", "d:acme.com")
    assert Account("A-1", "nonsense").keys == ("a:A-1",)


def test_ids_keep_their_letter_case() -> None:
    assert Account("0015500000Xyy06").keys != Account("0015500000XYY06").keys


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "jo@Gmail.com",
        "https://www.linkedin.com/company/acme",
        "jo@yahoo.co.jp",
        "jo@hotmail.fr",
        "jo@live.com.ar",
        "jo@gmx.at",
        "jo@outlook.com.br",
        "jo@mail.rambler.ru",
        "jo@mailinator.com",
    ],
)
def test_a_shared_domain_identifies_nobody(domain: str) -> None:
    assert account_keys("A-1", domain) == ("a:A-1",)
    with pytest.raises(RequestError, match=r"domain of its own.*shared by many") as caught:
        Account(domain=domain)
    assert (caught.value.field, caught.value.code) == ("account_id", "identity_missing")
    assert "jo@" not in str(caught.value)


@pytest.mark.parametrize("domain", ["yahoo-systems.com", "live.io", "mygmail.com", "outlook.dev", "gmx.ag"])
def test_a_company_whose_domain_only_looks_like_a_providers_is_one(domain: str) -> None:
    assert account_keys("", domain) == (f"d:{domain}",)


def test_what_is_no_domain_at_all_is_not_called_shared() -> None:
    with pytest.raises(RequestError) as caught:
        Account(domain="10.0.0.1")
    assert "shared" not in str(caught.value)


def test_an_account_is_named_by_an_id_that_may_be_its_domain() -> None:
    assert keys_named(" acme.com ") == ("a:acme.com", "d:acme.com")
    assert keys_named("42", "jo@acme.com") == ("a:42", "d:acme.com")
    assert keys_named("", "acme.com") == ("d:acme.com",)
    for account_id, domain, field in (("42", "gmail.com", "domain"), ("null", "", "account_id")):
        with pytest.raises(RequestError) as caught:
            keys_named(account_id, domain)
        assert (caught.value.field, caught.value.code) == (field, "identity_missing")


def test_every_shared_domain_is_written_as_domains_are_compared() -> None:
    assert {normalise_domain(domain) for domain in SHARED_DOMAINS} == SHARED_DOMAINS


@pytest.mark.parametrize(("account_id", "domain"), [("", ""), ("  ", "\t"), ("", "co.uk"), ("", "10.0.0.1")])
def test_an_account_without_identity_is_refused(account_id: str, domain: str) -> None:
    with pytest.raises(RequestError) as caught:
        Account(account_id, domain)
    assert caught.value.code == "identity_missing"


@pytest.mark.parametrize("field", ["account_id", "domain"])
@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("x" * (LONGEST_IDENTITY + 1), "text_too_long", "longer than 256 characters"),
        ("a\x00b", "text_invalid", "control characters"),
        ("a\nb", "text_invalid", "control characters"),
        ("a\x7fb", "text_invalid", "control characters"),
        ("a\ud800", "text_invalid", "surrogate"),
    ],
)
def test_an_identity_that_cannot_be_a_key_is_refused(field: str, text: str, code: str, what: str) -> None:
    with pytest.raises(RequestError, match=f"{field}.*{what}") as caught:
        Account(text, "acme.com") if field == "account_id" else Account("A-1", text)
    assert (caught.value.field, caught.value.code) == (field, code)
    assert text not in str(caught.value)


def test_the_longest_identity_is_accepted() -> None:
    longest = "ü" * LONGEST_IDENTITY
    assert Account(f" {longest} ").keys == (f"a:{longest}",)


@pytest.mark.parametrize("word", ["null", "undefined", "N/A", " none "])
def test_a_word_for_nothing_is_no_id_that_would_join_strangers(word: str) -> None:
    assert Account(word, "acme.com").keys == ("d:acme.com",)
    with pytest.raises(RequestError, match="needs an account_id"):
        Account(word, "")
