from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoring.account import Account
from scoring.errors import RequestError
from scoring.signals.signal import CLOCK_SKEW, Signal

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC).timestamp()
VISIT = {"account_id": "A-1", "type": "visit", "occurred_at": "2026-06-30T11:00:00Z", "event_id": "e1"}
FIELDS = ["account_id", "domain", "email", "type", "occurred_at", "event_id", "topic", "strength"]
FIELDS += ["person", "channel", "level"]
CODES = {"identity_missing", "type_missing", "time_invalid", "time_in_future", "strength_invalid"}
CODES |= {"level_invalid", "text_too_long", "text_invalid"}


def parsed(**changes: object) -> Signal:
    return Signal.parse({**VISIT, **changes}, now=NOW)


def refused(raw: Mapping[str, object]) -> RequestError:
    with pytest.raises(RequestError) as caught:
        Signal.parse(raw, now=NOW)
    return caught.value


def test_a_full_signal_is_read() -> None:
    signal = parsed(
        domain="www.acme.com", topic="Data  Governance", person="Jo@Acme.com", channel="Web", strength="2.5"
    )
    assert signal == Signal(
        keys=("a:A-1", "d:acme.com"),
        type="visit",
        at=NOW - 3600,
        event_id="e1",
        topic="data governance",
        strength=2.5,
        person="jo@acme.com",
        channel="web",
    )


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({"account_id": 42}, ("a:42",)),
        ({"account_id": " x "}, ("a:x",)),
        ({"account_id": 42.0, "domain": "https://shop.acme.co.uk/x"}, ("a:42", "d:acme.co.uk")),
        ({"email": "jo@mail.acme.io"}, ("d:acme.io",)),
        ({"domain": "n/a", "email": "jo@acme.io"}, ("d:acme.io",)),
        ({"domain": "acme.com", "email": "jo@partner.io"}, ("d:acme.com",)),
    ],
)
def test_the_account_is_known_by_id_domain_or_email(fields: dict[str, object], keys: tuple[str, ...]) -> None:
    assert Signal.parse({"type": "visit", **fields}, now=NOW).keys == keys


@given(account_id=st.text(max_size=300), domain=st.sampled_from(["", "acme.com", "x@b.io", "junk"]))
def test_a_signal_has_the_keys_its_account_is_read_by(account_id: str, domain: str) -> None:
    def keys_or_code(make: Callable[[], Account | Signal]) -> tuple[str, ...] | str:
        try:
            return make().keys
        except RequestError as error:
            return error.code

    as_account = keys_or_code(lambda: Account(account_id, domain))
    assert keys_or_code(lambda: parsed(account_id=account_id, domain=domain)) == as_account


@pytest.mark.parametrize(
    "text", ["Demo Request", "demo_request", " demo-REQUEST ", "demo.request", "__demo  request"]
)
def test_types_have_one_spelling(text: str) -> None:
    assert parsed(type=text).type == "demo_request"


@pytest.mark.parametrize(
    "written",
    [
        "2026-06-30T11:00:00Z",
        "2026-06-30T11:00:00",
        "2026-06-30 13:00:00+02:00",
        "20260630T110000Z",
        1782817200,
        1782817200.0,
        "1782817200",
        1782817200000,
        "1782817200000",
        datetime(2026, 6, 30, 11),  # noqa: DTZ001  # a time without a zone is the case
        datetime(2026, 6, 30, 11, tzinfo=UTC),
    ],
)
def test_times_are_read_as_utc_however_written(written: object) -> None:
    assert parsed(occurred_at=written).at == NOW - 3600


def test_a_date_is_midnight_utc() -> None:
    midnight = datetime(2026, 6, 29, tzinfo=UTC)
    assert {parsed(occurred_at=day).at for day in ("2026-06-29", "20260629", midnight.date())} == {
        midnight.timestamp()
    }


@given(st.datetimes(datetime(1980, 1, 1), datetime(2026, 6, 30)), st.integers(-720, 720))  # noqa: DTZ001  # hypothesis wants them so
def test_iso_seconds_and_milliseconds_mean_the_same(when: datetime, offset_minutes: int) -> None:
    utc = when.replace(tzinfo=UTC, microsecond=when.microsecond // 1000 * 1000)
    local = utc + timedelta(minutes=offset_minutes)
    sign, (hours, minutes) = "-" if offset_minutes < 0 else "+", divmod(abs(offset_minutes), 60)
    iso = f"{local:%Y-%m-%dT%H:%M:%S.%f}{sign}{hours:02}:{minutes:02}"
    expected = pytest.approx(utc.timestamp(), abs=1e-3)
    assert parsed(occurred_at=iso).at == expected
    assert parsed(occurred_at=utc.timestamp()).at == expected
    assert parsed(occurred_at=round(utc.timestamp() * 1000)).at == expected


def test_a_missing_time_is_now() -> None:
    assert {parsed(occurred_at=value).at for value in (None, "", "  ")} == {NOW}


def test_a_clock_a_little_ahead_is_forgiven() -> None:
    assert parsed(occurred_at=NOW + CLOCK_SKEW).at == NOW + CLOCK_SKEW


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("account_id", None, "identity_missing"),
        ("account_id", "", "identity_missing"),
        ("account_id", "x" * 257, "text_too_long"),
        ("account_id", 10**300, "text_too_long"),
        ("account_id", "a\ud800", "text_invalid"),
        ("account_id", ["a"], "text_invalid"),
        ("account_id", True, "text_invalid"),
        ("account_id", 1.5, "text_invalid"),
        ("type", None, "type_missing"),
        ("type", "--", "type_missing"),
        ("type", "N/A", "type_missing"),
        ("type", "x" * 257, "text_too_long"),
        ("occurred_at", "yesterday", "time_invalid"),
        ("occurred_at", "2026-13-01", "time_invalid"),
        ("occurred_at", "2026", "time_invalid"),
        ("occurred_at", 46203, "time_invalid"),
        ("occurred_at", -1782817200, "time_invalid"),
        ("occurred_at", float("nan"), "time_invalid"),
        ("occurred_at", float("inf"), "time_invalid"),
        ("occurred_at", 10**400, "time_invalid"),
        ("occurred_at", True, "time_invalid"),
        ("occurred_at", {"when": 1}, "time_invalid"),
        ("occurred_at", NOW + CLOCK_SKEW + 1, "time_in_future"),
        ("occurred_at", "2026-06-30T12:05:01Z", "time_in_future"),
        ("occurred_at", int(NOW) * 1_000_000, "time_invalid"),
        ("strength", -0.1, "strength_invalid"),
        ("strength", 1000.1, "strength_invalid"),
        ("strength", "nan", "strength_invalid"),
        ("strength", float("nan"), "strength_invalid"),
        ("strength", float("inf"), "strength_invalid"),
        ("strength", 10**400, "strength_invalid"),
        ("strength", "high", "strength_invalid"),
        ("strength", True, "strength_invalid"),
        ("strength", [1], "strength_invalid"),
        ("level", "perhaps", "level_invalid"),
        ("topic", "x" * 257, "text_too_long"),
        ("topic", "a\x00b", "text_invalid"),
        ("person", "a\nb", "text_invalid"),
        ("channel", {"a": 1}, "text_invalid"),
        ("event_id", "\udfff", "text_invalid"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_field_and_code(field: str, value: object, code: str) -> None:
    error = refused({**VISIT, field: value})
    assert (error.field, error.code) == (field, code)
    assert field in str(error)
    assert not isinstance(value, str) or len(value) < 3 or value not in str(error)


def test_a_signal_without_keys_cannot_be_made() -> None:
    with pytest.raises(RequestError, match="account_id"):
        Signal(keys=(), type="visit", at=NOW, event_id="e")


def test_a_level_needs_its_value() -> None:
    assert refused({**VISIT, "level": True}).code == "strength_invalid"
    assert parsed(level="yes", strength=73).strength == 73.0


def test_the_email_stands_in_for_the_person() -> None:
    assert parsed(email="Jo@acme.com").person == "jo@acme.com"
    assert parsed(email="Jo@acme.com", person="P7").person == "p7"
    assert parsed(person="unknown").person == ""


def test_a_resend_without_an_id_has_the_same_id() -> None:
    raw = {**VISIT, "event_id": None, "person": "jo"}
    first, resend = Signal.parse(raw, now=NOW), Signal.parse(raw, now=NOW + 86_400)
    assert first.event_id == resend.event_id
    assert "jo" not in first.event_id


@pytest.mark.parametrize(
    "change",
    [
        {"account_id": "B"},
        {"type": "demo"},
        {"occurred_at": NOW - 7},
        {"topic": "x"},
        {"strength": 2},
        {"person": "al"},
        {"channel": "web"},
        {"level": True, "strength": 1},
    ],
)
def test_signals_without_ids_that_differ_anywhere_are_different(change: dict[str, object]) -> None:
    raw = {**VISIT, "event_id": "undefined"}
    assert Signal.parse(raw, now=NOW).event_id != Signal.parse({**raw, **change}, now=NOW).event_id


def test_with_neither_id_nor_time_one_a_day_is_counted() -> None:
    raw = {"account_id": "A", "type": "visit"}
    ids = [Signal.parse(raw, now=NOW + hours * 3600).event_id for hours in (0, 1, 24)]
    assert ids[0] == ids[1] != ids[2]


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.characters(categories=["Cs", "Cc", "Nd"]),
    st.lists(st.integers(), max_size=2),
    st.from_regex(r"\A[0-9]{1,4}-?[0-9]{2}-?[0-9]{2}([T ][0-9:.,]{2,12}([+-][0-9:]{2,6})?)?\Z"),
)


@given(raw=st.dictionaries(st.sampled_from(FIELDS), ANYTHING), rest=st.just(VISIT) | st.just({}))
@example(raw={"occurred_at": "0001-01-01T00:00:00+23:59"}, rest=VISIT)
@example(raw={"occurred_at": "9999-12-31T23:59:59-23:59"}, rest=VISIT)
def test_anything_at_all_is_either_read_or_refused_with_a_known_code(
    raw: dict[str, object], rest: dict[str, object]
) -> None:
    try:
        signal = Signal.parse({**rest, **raw}, now=NOW)
    except RequestError as error:
        code = error.code
    else:
        code = ""
        assert signal.keys
        assert signal.type
        assert signal.at <= NOW + CLOCK_SKEW
        assert 0 <= signal.strength <= 1000
    assert code in {"", *CODES}


@pytest.mark.parametrize(
    ("sent", "shared"),
    [
        ({"email": "jo@yahoo.fr"}, True),
        ({"domain": "gmail.com"}, True),
        ({"domain": "no domain", "email": "jo@t-online.de"}, True),
        ({"domain": "no domain"}, False),
        ({}, False),
    ],
)
def test_who_is_named_by_a_shared_domain_alone_is_told_so(sent: dict[str, str], shared: bool) -> None:
    with pytest.raises(RequestError) as caught:
        Signal.parse({**sent, "type": "page_view"}, now=NOW)
    assert (caught.value.code, caught.value.field) == ("identity_missing", "account_id")
    assert ("shared by many" in str(caught.value)) is shared


def test_a_visit_that_names_a_domain_alone_is_of_nobody() -> None:
    signal = Signal.parse({"domain": "https://www.acme.com/pricing", "type": "page_view"}, now=NOW)
    assert (signal.keys, signal.person, signal.role, signal.seniority) == (("d:acme.com",), "", 0, 0)
