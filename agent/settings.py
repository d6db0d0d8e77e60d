"""Settings: flags over environment (`CONVREC_*`) over `convrec.toml` over defaults."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from convrec.agent.errors import SettingsError
from convrec.retrieval.settings import RetrievalSettings


class Price(BaseModel):
    """What a model costs, in US dollars for a million tokens."""

    input: float
    output: float


class LLMSettings(BaseModel):
    """The language model. Without a model or an endpoint convrec works offline."""

    model: str | None = None
    """name of the model at the endpoint"""
    base_url: str | None = None
    """an OpenAI-compatible endpoint; None is OpenAI's own"""
    api_key: SecretStr | None = None
    mode: Literal["auto", "tools", "structured", "offline"] = "auto"
    """how the model is used; auto goes by what the endpoint can do"""
    temperature: float = 0.2
    timeout_s: float = Field(default=20.0, gt=0)
    """of one call"""
    retries: int = Field(default=2, ge=0, le=5)
    max_calls: int = Field(default=4, ge=1)
    """of one turn"""
    max_seconds: float = Field(default=45.0, gt=0)
    """of one turn; what is not answered by then is answered offline"""
    max_input_tokens: int = Field(default=6000, ge=500)
    """of one call"""
    max_output_tokens: int = Field(default=2000, ge=100)
    """of one call"""
    trace: Path | None = None
    """file to which every call is appended as a line of JSON, secrets redacted"""
    prices: dict[str, Price] = Field(default_factory=dict)
    """by model name, for the cost shown with a turn"""

    @property
    def configured(self) -> bool:
        return self.mode != "offline" and bool(self.model and (self.api_key or self.base_url))


class PrivacySettings(BaseModel):
    """What leaves this machine when a language model is used."""

    history: Literal["none", "titles", "summary"] = "summary"
    """what of a person's history may stand in a prompt: nothing, titles, or a summary of tastes"""


class ProfileSettings(BaseModel):
    """How people are kept."""

    pseudonymise: bool = False
    """whether user ids are stored as keyed hashes"""


class Settings(BaseSettings):
    """All settings of convrec."""

    model_config = SettingsConfigDict(env_prefix="CONVREC_", env_nested_delimiter="__", extra="ignore")

    workspace: Path | None = None
    """where the catalogue's generations and the people live; None is the platform's user-data folder"""
    retrieval: RetrievalSettings = RetrievalSettings()
    llm: LLMSettings = LLMSettings()
    privacy: PrivacySettings = PrivacySettings()
    profile: ProfileSettings = ProfileSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The settings file comes in through the initial values, so the environment must win over them.
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load_settings(path: Path | None = None, **flags: Any) -> Settings:
    """Settings from `path` (default: `convrec.toml` here, where there is one), the environment and flags.

    `flags` are dotted by double underscores (`llm__model="…"`); None means: not given. `OPENAI_API_KEY` and
    `OPENAI_BASE_URL` are read where convrec's own variables are not set.

    Raises:
        SettingsError: the file is not TOML, or a value does not fit.
    """
    source = path or Path("convrec.toml")
    values: dict[str, Any] = {}
    if source.is_file():
        try:
            values = tomllib.loads(source.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{source} is not readable as TOML: {error}.") from error
    elif path is not None:
        raise SettingsError(f"There is no settings file {path}.")
    try:
        settings = Settings(**values)
        merged = settings.model_copy(update={"llm": _with_openai_variables(settings.llm)})
        return _with_flags(merged, flags)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"The setting {where} does not fit: {first['msg']}.") from error


def _with_openai_variables(llm: LLMSettings) -> LLMSettings:
    update: dict[str, Any] = {}
    if llm.api_key is None and (key := os.environ.get("OPENAI_API_KEY")):
        update["api_key"] = SecretStr(key)
    if llm.base_url is None and (url := os.environ.get("OPENAI_BASE_URL")):
        update["base_url"] = url
    return llm.model_copy(update=update)


def _with_flags(settings: Settings, flags: dict[str, Any]) -> Settings:
    for name, value in flags.items():
        if value is None:
            continue
        section, _, key = name.partition("__")
        if not key:
            settings = settings.model_copy(update={section: value})
            continue
        part = getattr(settings, section)
        checked = type(part).model_validate({**part.model_dump(), key: value})
        settings = settings.model_copy(update={section: checked})
    return settings
