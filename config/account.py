"""The settings that lead to the account. The panic button needs no others, and no fault of the others stops it."""

import os
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from config.env_file import Fault
from config.settings import ENV_FILE, Settings, complaints, faults_around, setting_names

ACCOUNT = frozenset(
    {
        "ALPACA_API_KEY",
        "ALPACA_SECRET_KEY",
        "ALPACA_BASE_URL",
        "ALPACA_DATA_URL",
        "TRADING_MODE",
        "ENABLE_PAPER_TRADING",
        "ENABLE_LIVE_TRADING",
        "SERVICE_URLS",
        "SERVICE_URL_TEMPLATE",
    }
)


class _Account(Settings):
    """Settings of the values given alone."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @classmethod
    def _faults(cls, env_file: str | Path | None) -> list[Fault]:
        return []


def account_settings() -> tuple[Settings, list[str]]:
    """The process's settings; where others than the account's are wrong, the account's and the database's alone, with a
    line for each fault. Raises ValidationError where the account's own are wrong, or `.env` cannot be read at all.
    """
    try:
        return Settings(), []
    except ValidationError as error:
        path = Path(ENV_FILE)
        if any(not one.about or one.about & ACCOUNT for one in faults_around(path)):
            raise
        values = _values(path)
        while True:
            try:
                return _Account(_env_file=None, **values), list(complaints(error))
            except ValidationError as still:
                wrong = {str(item["loc"][0]) for item in still.errors() if item["loc"]}
                if not wrong or any(name.upper() in ACCOUNT for name in wrong):
                    raise
                values = {name: value for name, value in values.items() if name not in wrong}


def _values(path: Path) -> dict[str, Any]:
    """What the environment and the file say of the account, the database and the cache; the environment comes first."""
    said = {name.upper(): value for name, value in dotenv_values(path).items()}
    said |= {name.upper(): value for name, value in os.environ.items() if value}  # noqa: TID251
    kept = ACCOUNT | {name for name in setting_names() if name.startswith(("DATABASE_", "REDIS_"))}
    return {name.lower(): value for name in kept if (value := said.get(name))}
