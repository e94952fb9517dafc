from __future__ import annotations

from pathlib import Path

import pytest

from api.app import create_app
from api.settings import Settings, SettingsError
from api.webhooks.sources import read_sources
from api.webhooks.vendors import VENDORS
from scoring.errors import RequestError
from tests.api.webhooks.senders import SOURCES

KEY = "sixteen letters."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "webhooks.toml"


def test_every_kind_can_be_set_up(file: Path) -> None:
    file.write_text(SOURCES, encoding="utf-8")
    sources = read_sources(file)
    assert {source.kind for source in sources.source.values()} == set(VENDORS)
    assert sources.named("hubspot").kind == "hubspot"


def test_without_a_file_there_are_no_sources() -> None:
    with pytest.raises(RequestError, match="FIREBRAND_WEBHOOKS") as caught:
        read_sources(None).named("hubspot")
    assert caught.value.code == "source_unknown"


def test_secrets_are_not_shown(file: Path) -> None:
    file.write_text(f'[source.a]\nkind = "segment"\nsecrets = ["{KEY}"]\n', encoding="utf-8")
    assert KEY not in repr(read_sources(file))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('kind = "g2"', "source.a.secrets: Field required"),
        ('kind = "g2"\nsecrets = []', "source.a.secrets: .*at least 1"),
        (f'kind = "g2"\nsecrets = ["{KEY}", "{KEY}", "{KEY}"]', "source.a.secrets: .*at most 2"),
        ('kind = "g2"\nsecrets = ["Zaphod"]', "source.a.secrets.0: .*at least 16"),
        (f'kind = "g3"\nsecrets = ["{KEY}"]', "source.a.kind: "),
        (f'kind = "hubspot"\nsecrets = ["{KEY}"]', "hubspot needs public_url"),
        (f'kind = "hubspot"\nsecrets = ["{KEY}"]\npublic_url = "http://a.com"', "https://"),
        (f'kind = "segment"\nsecrets = ["{KEY}"]\nheader = "X-Token"', "header_secrets"),
        (f'kind = "segment"\nsecrets = ["{KEY}"]\nheader_secrets = ["{KEY}"]', "header and header_secrets"),
        (f'kind = "bombora"\nsecrets = ["{KEY}"]\nheader = "X-Token"', "kind bombora takes no header"),
        (f'kind = "6sense"\nsecrets = ["{KEY}"]\ntypes = {{a = "b"}}', "kind 6sense takes no types"),
        (f'kind = "segment"\nsecrets = ["{KEY}"]\nmapping = {{type = "a"}}', "use types"),
        (f'kind = "g2"\nsecrets = ["{KEY}"]\nheader = "X Token"', "source.a.header: "),
        (f'kind = "g2"\nsecrets = ["{KEY}"]\nmapping = {{size = "a"}}', "source.a.mapping.size"),
        (f'kind = "g2"\nsecrets = ["{KEY}"]\nsecret = "{KEY}"', "source.a.secret: Extra"),
        ('kind = "standard"\nsecrets = ["whsec_%%%%%%%%%%%%%%%"]', "is base64"),
        ('kind = "standard"\nsecrets = ["whsec_=============="]', "is base64"),
    ],
)
def test_a_source_that_lacks_something_is_named(file: Path, table: str, says: str) -> None:
    file.write_text(f"[source.a]\n{table}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=says) as caught:
        read_sources(file)
    assert str(file) in str(caught.value)
    assert KEY not in str(caught.value)
    assert "Zaphod" not in str(caught.value)


@pytest.mark.parametrize("text", ["[source", "[source.'A b']\n", "[sources.a]\n", "source = 1\n", "\ufffe"])
def test_a_file_that_is_no_list_of_sources_is_refused(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-16" if text == "\ufffe" else "utf-8")
    with pytest.raises(SettingsError, match="FIREBRAND_WEBHOOKS"):
        read_sources(file)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_sources(file.parent)


def test_the_service_does_not_start_with_a_wrong_file(artifacts: Path, file: Path) -> None:
    settings = Settings(
        artifacts=artifacts,
        redis_url="redis://store",
        person_key=KEY,  # type: ignore[arg-type]  # pydantic makes it a secret
        webhooks=file,
    )
    with pytest.raises(SettingsError, match="FIREBRAND_WEBHOOKS"):
        create_app(settings)
