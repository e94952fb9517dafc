"""Which sources there are, and what each needs: one TOML file, read once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from api.problems import faults
from api.settings import SettingsError
from scoring.errors import RequestError
from scoring.signals.signal import signal_type

Kind = Literal[
    "6sense", "bombora", "demandbase", "g2", "generic", "hubspot", "rudderstack", "segment", "standard"
]
SignalField = Literal[
    "account_id",
    "domain",
    "email",
    "type",
    "occurred_at",
    "event_id",
    "topic",
    "strength",
    "person",
    "title",
    "role",
    "seniority",
    "channel",
    "level",
]
Secret = Annotated[SecretStr, Field(min_length=16, max_length=256)]
Secrets = Annotated[tuple[Secret, ...], Field(min_length=1, max_length=2)]
# What each kind takes besides `secrets`; anything else would do nothing, and nobody would notice.
_READING = {"mapping", "fixed", "rows"}
_TOKEN = {"header", "token_in_url"}
_TAKES: dict[str, set[str]] = {
    "6sense": {"header"},
    "bombora": _READING,
    "demandbase": _TOKEN | _READING,
    "g2": _TOKEN | _READING | {"types"},
    "generic": _TOKEN | _READING | {"types"},
    "hubspot": {"public_url", "types"},
    "rudderstack": {"header", "mapping", "fixed", "types"},
    "segment": {"header", "header_secrets", "mapping", "fixed", "types"},
    "standard": _READING | {"types"},
}


class Source(BaseModel):
    """One sender: what it is, how it proves itself, and how its events are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    secrets: Secrets
    name: str = ""  # in its path; the table in the file has it, and no field does
    public_url: str = ""  # the URL as the sender calls it, query included; it is part of what is signed
    header: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")  # where the token stands; "": Authorization
    header_secrets: tuple[Secret, ...] = Field(
        default=(), max_length=2
    )  # its values, where it is not `secrets`
    token_in_url: bool = (
        False  # take the token as ?token= too; proxies may log it, so only where a header can't be set
    )
    rows: str = ""  # dotted path to the list of events
    mapping: dict[SignalField, tuple[str, ...]] = {}  # by field: dotted paths, of which the first counts
    fixed: dict[SignalField, str | float | bool] = {}  # by field: its value where the event has none
    types: dict[str, str] = {}  # the sender's event name -> signal type; "" leaves such events out

    @field_validator("mapping", mode="before")
    @classmethod
    def _one_path_or_several(cls, mapping: object) -> object:
        if not isinstance(mapping, dict):
            return mapping
        return {name: [paths] if isinstance(paths, str) else paths for name, paths in mapping.items()}

    @field_validator("types")
    @classmethod
    def _in_one_spelling(cls, types: dict[str, str]) -> dict[str, str]:
        return {signal_type(name): signal_type(kind) for name, kind in types.items()}

    @model_validator(mode="after")
    def _complete(self) -> Source:
        needless = self.model_fields_set - {"kind", "secrets"} - _TAKES[self.kind]
        if needless:
            raise ValueError(f"a source of kind {self.kind} takes no {', '.join(sorted(needless))}")
        if self.kind == "hubspot" and not self.public_url.startswith("https://"):
            raise ValueError("hubspot needs public_url: the https:// address it calls, which it signs")
        if bool(self.header) != bool(self.header_secrets) and self.kind == "segment":
            raise ValueError("give header and header_secrets together: they prove the batches of segment")
        if self.kind in {"rudderstack", "segment"} and "type" in {*self.mapping, *self.fixed}:
            raise ValueError("what an event is called says its type here; use types")
        if self.kind == "standard":
            self._check_standard_secrets()
        return self

    def _check_standard_secrets(self) -> None:
        for secret in self.secrets:
            try:
                Webhook(secret.get_secret_value())
            except (ValueError, EmptyWebhookSecretError):  # binascii's error is a ValueError
                raise ValueError("a secret of kind standard is base64, mostly after whsec_") from None

    @property
    def keys(self) -> list[bytes]:
        """The secrets, as bytes."""
        return [secret.get_secret_value().encode() for secret in self.secrets]

    @property
    def header_values(self) -> list[bytes]:
        """What the header may hold: its own secrets, or else those of the source."""
        return [secret.get_secret_value().encode() for secret in self.header_secrets] or self.keys


class Sources(BaseModel):
    """All sources, by the name in their path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")], Source] = {}

    def named(self, name: str) -> Source:
        """Return a source.

        Raises:
            RequestError: `source_unknown`.
        """
        try:
            return self.source[name].model_copy(update={"name": name})
        except KeyError:
            message = "no source of this name is set up; FIREBRAND_WEBHOOKS names the file that lists them"
            raise RequestError(message, code="source_unknown") from None


def read_sources(path: Path | None) -> Sources:
    """Read the file of sources; without one there are none.

    Raises:
        SettingsError: the file is missing, is no TOML, or a source in it lacks something; no secret is
        repeated.
    """
    if path is None:
        return Sources()
    try:
        return Sources.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"FIREBRAND_WEBHOOKS: {path} cannot be read: {type(error).__name__}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"FIREBRAND_WEBHOOKS: {path} is no TOML: {error}") from None
    except ValidationError as error:
        told = "; ".join(f"{fault.field}: {fault.message}" for fault in faults(error))
        raise SettingsError(f"FIREBRAND_WEBHOOKS: {path}: {told}") from None
