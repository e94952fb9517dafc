"""Settings of the service: each has its meaning and unit here, and comes from FIREBRAND_<NAME>."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from scoring.errors import FirebrandError
from scoring.servers.address import parse_address


class SettingsError(FirebrandError):
    """The settings contradict each other or lack something."""

    code = "settings_invalid"


class Settings(BaseSettings):
    """What can be set from outside."""

    model_config = SettingsConfigDict(env_prefix="FIREBRAND_", frozen=True)

    artifacts: Path = Path("artifacts")  # the registry; its active version is served
    allow_draft: bool = False  # serve an artifact whose plan nobody signed, and say `draft` in every answer
    state: Path = Path(".firebrand")  # where the embedded store keeps its data
    redis_url: str = ""  # as scoring.servers.address.parse_address reads it; empty: the embedded store
    person_key: SecretStr | None = (
        None  # keys the hashes of people; 16 to 64 characters, the same on every worker
    )
    api_keys: SecretStr = SecretStr("")  # comma-separated; empty: no key is asked for
    webhooks: Path | None = (
        None  # a TOML file of the sources at /webhooks/NAME; api/webhooks says what it holds
    )
    read_budget_ms: int = Field(default=50, ge=1, le=5_000)  # most time a score waits for signals
    remember_days: int = Field(
        default=90, ge=0, le=400
    )  # how long it is kept what accounts were scored with; 0: not at all
    max_body_bytes: int = Field(default=10_000_000, ge=1_000)  # larger requests are refused with 413
    max_bulk_accounts: int = Field(default=10_000, ge=1)  # larger batches are refused with 413
    max_signals: int = Field(default=5_000, ge=1)  # in one request; more are refused with 413

    @field_validator("redis_url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        if url:
            parse_address(url)
        return url

    @field_validator("person_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not 16 <= len(key.get_secret_value().encode()) <= 64:
            raise ValueError("give 16 to 64 characters")
        return key

    @property
    def keys(self) -> frozenset[str]:
        """The API keys that are accepted."""
        return frozenset(filter(None, (key.strip() for key in self.api_keys.get_secret_value().split(","))))

    def store_access(self) -> tuple[str, bytes]:
        """Return the store's address and the key that hashes people.

        Raises:
            SettingsError: one of them is not set.
        """
        if not self.redis_url:
            raise SettingsError("FIREBRAND_REDIS_URL is not set; `firebrand serve` starts a store of its own")
        if self.person_key is None:
            message = (
                "set FIREBRAND_PERSON_KEY (16 to 64 secret characters, the same for every worker and restart)"
            )
            raise SettingsError(f"{message}: it hashes people and event ids in the store")
        return self.redis_url, self.person_key.get_secret_value().encode()
