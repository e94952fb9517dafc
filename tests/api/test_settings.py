from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.serve import read_settings
from api.settings import Settings, SettingsError

KEY = "sixteen letters."


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FIREBRAND_{name.upper()}", raising=False)


def test_defaults_serve_on_one_machine() -> None:
    settings = Settings()
    assert (settings.artifacts, settings.state) == (Path("artifacts"), Path(".firebrand"))
    assert settings.keys == frozenset()
    assert settings.allow_draft is False


def test_each_setting_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBRAND_READ_BUDGET_MS", "70")
    monkeypatch.setenv("FIREBRAND_API_KEYS", " one, two ,,")
    monkeypatch.setenv("FIREBRAND_ALLOW_DRAFT", "1")
    settings = read_settings()
    assert settings.read_budget_ms == 70
    assert settings.keys == {"one", "two"}
    assert settings.allow_draft is True


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("READ_BUDGET_MS", "soon"),
        ("READ_BUDGET_MS", "0"),
        ("PERSON_KEY", "short"),
        ("PERSON_KEY", "x" * 65),
        ("MAX_BODY_BYTES", "-1"),
        ("ALLOW_DRAFT", "perhaps"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://user:secret-word@store"),
        ("REDIS_URL", "redis://:secret-word/@store:6379"),
        ("REDIS_URL", "redis+sentinel://:secret-word@h1:26379,h2:26379"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"FIREBRAND_{variable}", value)
    with pytest.raises(SettingsError, match=f"FIREBRAND_{variable}: ") as caught:
        read_settings()
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["rediss+sentinel://:pw@h1:26379,h2/mymaster/0", "redis+cluster://h1:7000,h2:7001", ""]
)
def test_the_store_may_be_where_an_address_says(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("FIREBRAND_REDIS_URL", url)
    assert read_settings().redis_url == url


def test_a_store_of_ones_own_needs_a_key_for_people() -> None:
    with pytest.raises(SettingsError, match="FIREBRAND_PERSON_KEY"):
        Settings(redis_url="redis://store").store_access()
    with pytest.raises(SettingsError, match="FIREBRAND_REDIS_URL"):
        Settings(person_key=KEY).store_access()  # type: ignore[arg-type]  # pydantic makes it a secret
    given = Settings(redis_url="redis://store", person_key=KEY)  # type: ignore[arg-type]  # as above
    assert given.store_access() == ("redis://store", KEY.encode())


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings(person_key=KEY, api_keys="an-api-key"))  # type: ignore[arg-type]  # as above
    assert KEY not in shown
    assert "an-api-key" not in shown


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().state = Path("elsewhere")
