"""Where the system runs. The only reader of the environment (and of .env); frozen once read.

The broker is the simulated exchange unless a real base URL is given, and live money needs three settings that agree.
"""

import json
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AliasChoices, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import NoDecode, SettingsConfigDict

from config.addresses import DATA_HOST, LIVE_HOST, NEAR, PAPER_HOST, Account, account_of, base_of, fault_in, host_of
from config.addresses import LOOPBACK as LOOPBACK
from config.env_file import Fault, Stray, faults_in, strays_in, typing_errors_in
from config.news import NewsSettings
from config.numbers import NO_NUMBER, Usd, as_number, bounds_of, fault_of, kind_of, number_in, shown
from config.services import BY_NAME
from config.trust import Reach, reach_trouble

ENV_FILE = ".env"
Port = Annotated[int, Field(ge=1, le=65_535)]
Urls = Annotated[dict[str, str], NoDecode]


class Settings(NewsSettings):
    """Everything the environment says. Raises pydantic's ValidationError naming each setting that is wrong."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    def __init__(self, _env_file: str | Path | None = ENV_FILE, **values: Any) -> None:
        faults = self._faults(_env_file)
        if faults:
            kinds = [PydanticCustomError("env_file", "{fault}", {"fault": one.text}) for one in faults]
            details = [InitErrorDetails(type=kind, input=None) for kind in kinds]
            raise ValidationError.from_exception_data("Settings", details)
        super().__init__(_env_file=_env_file, **values)

    @classmethod
    def _faults(cls, env_file: str | Path | None) -> list[Fault]:
        """What is wrong with the names before any value is looked at."""
        return faults_around(env_file)

    database_url: str | None = None
    database_host: str = "127.0.0.1"
    database_port: Port = 5432
    database_name: str = "catalyst_trading"
    database_user: str = "catalyst_app"
    database_password: str = ""
    database_ssl_mode: str = "prefer"
    database_wait_seconds: float = Field(default=60, ge=0, le=3600)
    database_admin_url: str = ""
    database_readonly_password: str = ""

    redis_host: str = "127.0.0.1"
    redis_port: Port = 6379
    redis_password: str = ""

    alpaca_api_key: str = "SIMULATED"
    alpaca_secret_key: str = "SIMULATED"
    alpaca_base_url: str = ""
    alpaca_data_url: str = ""
    alpaca_feed: Literal["iex", "sip", "delayed_sip"] = "iex"
    alpaca_requests_per_minute: int = Field(default=200, ge=10, le=100_000)

    trading_mode: Literal["paper", "live"] = "paper"
    enable_paper_trading: bool = True
    enable_live_trading: bool = False
    enable_autonomous_trading: bool = False
    enable_news_sentiment: bool = True
    enable_pattern_detection: bool = True
    enable_email_alerts: bool = False
    trading_session_mode: Literal["supervised", "autonomous"] | None = None
    workflow_auto_execute: bool | None = None
    workflow_scan_frequency_minutes: Annotated[float, Field(ge=1, le=390)] | None = None
    workflow_execute_top_n: Annotated[int, Field(ge=1, le=50)] | None = None
    max_daily_loss: Usd | None = None
    max_position_size: Usd | None = None
    max_positions: Annotated[int, Field(ge=1, le=50)] | None = None
    risk_hot_reload: bool = True
    trading_hot_reload: bool = True

    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_from: str = ""
    smtp_tls: bool = True
    alert_email_critical: str = ""
    alert_email_warning: str = ""
    alert_email_info: str = ""
    alert_webhook_url: str = Field(default="", pattern=r"^(https?://\S+)?$")

    news_urls: Urls = Field(default_factory=dict)

    catalyst_api_key: str = ""
    catalyst_bind: str = "127.0.0.1"
    catalyst_allowed_hosts: str = ""
    catalyst_allowed_origins: str = ""
    catalyst_trust: Literal["", "private-network"] = ""
    catalyst_publish: str = ""
    catalyst_behind_proxy: bool = False
    service_url_template: str = "http://127.0.0.1:{port}"
    service_urls: Urls = Field(default_factory=dict)
    config_folder: Path = Path("config")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["json", "console"] = "console"
    log_folder: Path = Path("logs")

    exchange_tape: Path = Path(".local/tape")
    exchange_date: str = ""
    exchange_start: str = ""
    exchange_clock: Literal["frozen", "run"] = "frozen"
    exchange_speed: float = Field(default=1.0, ge=0, le=1_000_000)
    exchange_journal: Path | None = None
    exchange_seed: int = Field(default=7, ge=0, le=2**48)

    @model_validator(mode="before")
    @classmethod
    def _unset(cls, data: Any) -> Any:
        """Empty texts and blanks set nothing; blanks in the place of the broker's address are a fault."""
        kept = ("alpaca_base_url", "alpaca_data_url")
        return {
            name: value
            for name, value in data.items()
            if not (isinstance(value, str) and not value.strip() and (not value or name not in kept))
        }

    @field_validator("*", mode="before")
    @classmethod
    def _numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """A number is a number by the grammar of the YAML files, and no truth value."""
        kind = kind_of(cls.model_fields[str(info.field_name)].annotation)
        if kind is None or kind is bool or value is None:
            return value
        found = number_in(value.strip()) if isinstance(value, str) else value
        if found is None:
            raise ValueError(NO_NUMBER)
        return as_number(found, kind)

    @field_validator("service_urls", "news_urls", mode="before")
    @classmethod
    def _decoded(cls, value: Any) -> Any:
        """JSON from the environment. Its text is not repeated: an address may hold a password."""
        try:
            return json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            raise ValueError('must be a JSON object such as {"scanner": "http://127.0.0.1:5001"}') from None

    @model_validator(mode="after")
    def _addresses(self) -> "Settings":
        """The broker's keys go to Alpaca by TLS, or to the simulated exchange near by; never to a stranger."""
        paper, live, data = (f"https://{host}" for host in (PAPER_HOST, LIVE_HOST, DATA_HOST))
        if self.alpaca_base_url and (fault := fault_in(self.alpaca_base_url, (PAPER_HOST, LIVE_HOST))):
            right = f"set {paper} (paper), {live} (live), or leave it empty for the simulated exchange"
            raise ValueError(f"ALPACA_BASE_URL: {fault}; {right}")
        if self.alpaca_data_url and (fault := fault_in(self.alpaca_data_url, (DATA_HOST,))):
            raise ValueError(f"ALPACA_DATA_URL: {fault}; leave it empty, or set {data}")
        if self.alpaca_data_url and (host_of(self.alpaca_data_url) in NEAR) != (self.broker == "simulated"):
            other = f"prices of another market than the {self.broker} account's of ALPACA_BASE_URL"
            raise ValueError(f"ALPACA_DATA_URL: it leads to {other}; leave it empty")
        for name in BY_NAME:
            self._address_of(name)
        if not self.alpaca_base_url and (fault := fault_in(self.url_of("exchange"), ())):
            where = "SERVICE_URLS or SERVICE_URL_TEMPLATE: the simulated exchange's address would be given the keys"
            raise ValueError(f"{where}, but {fault}; use http://{{container}}:{{port}} or a loopback address")
        return self

    def _address_of(self, service: str) -> None:
        try:
            where = urlsplit(self.url_of(service))
            usable = where.scheme in ("http", "https") and bool(where.hostname) and where.port != 0
        except (ValueError, KeyError, IndexError, AttributeError):
            usable = False
        if not usable:
            raise ValueError(
                f"SERVICE_URLS or SERVICE_URL_TEMPLATE: no usable address for {service};"
                " use http://{container}:{port} or http://127.0.0.1:{port}"
            )

    @model_validator(mode="after")
    def _agree(self) -> "Settings":
        live_url = self.broker == "live"
        says = {
            "TRADING_MODE": self.trading_mode == "live",
            "ENABLE_LIVE_TRADING": self.enable_live_trading,
            "ALPACA_BASE_URL": live_url,
        }
        if len(set(says.values())) > 1:
            live = ", ".join(name for name, value in says.items() if value)
            other = ", ".join(name for name, value in says.items() if not value)
            raise ValueError(f"live money needs three settings that agree: {live} say live, {other} do not")
        if self.broker == "paper" and not self.enable_paper_trading:
            raise ValueError("ALPACA_BASE_URL is the paper account but ENABLE_PAPER_TRADING is false: set one of them")
        unknown = set(self.service_urls) - set(BY_NAME)
        if unknown:
            raise ValueError(f"SERVICE_URLS names services that do not exist: {', '.join(sorted(unknown))}")
        return self

    @model_validator(mode="after")
    def _reachable(self) -> "Settings":
        """Who needs no key is decided here and nowhere else; the trust is refused where others could have it too."""
        trouble = reach_trouble(
            Reach(
                self.catalyst_bind,
                self.catalyst_api_key,
                bool(self.catalyst_trust),
                self.catalyst_publish,
                self.catalyst_behind_proxy,
                self.catalyst_allowed_hosts,
                self.catalyst_allowed_origins,
            )
        )
        if trouble:
            raise ValueError(trouble)
        return self

    @model_validator(mode="after")
    def _news(self) -> "Settings":
        """Keys go to their vendor, to this machine, or by TLS to where the operator says; never in clear elsewhere."""
        strange = [name for name, url in self.news_urls.items() if _host_in(url) not in LOOPBACK]
        if strange:
            raise ValueError(f"NEWS_URLS is for servers on this machine only: {', '.join(sorted(strange))}")
        if self.news_llm_provider and not self.news_llm_model:
            raise ValueError("NEWS_LLM_PROVIDER is set: name the model in NEWS_LLM_MODEL")
        clear = not self.news_llm_url.startswith("https://") and _host_in(self.news_llm_url) not in LOOPBACK
        if self.news_llm_url and (clear or not _host_in(self.news_llm_url)):
            raise ValueError("NEWS_LLM_URL must be https, or a server on this machine")
        return self

    @property
    def broker(self) -> Account:
        """Which account the base URL leads to."""
        return account_of(self.alpaca_base_url)

    @property
    def trading_url(self) -> str:
        """Base of the trading API without a trailing slash."""
        return base_of(self.alpaca_base_url or self.url_of("exchange"))

    @property
    def data_url(self) -> str:
        """Base of the market-data API without a trailing slash."""
        if self.alpaca_data_url:
            return base_of(self.alpaca_data_url)
        return self.trading_url if self.broker == "simulated" else f"https://{DATA_HOST}"

    @property
    def stream_url(self) -> str:
        """Full address of the account's event stream."""
        return self.trading_url.replace("http", "ws", 1) + "/stream"

    @property
    def dsn(self) -> str:
        """The database's address, from DATABASE_URL or from its parts."""
        if self.database_url:
            return self.database_url
        user, password = quote(self.database_user, safe=""), quote(self.database_password, safe="")
        where = f"{self.database_host}:{self.database_port}/{self.database_name}"
        return f"postgresql://{user}:{password}@{where}?sslmode={self.database_ssl_mode}"

    @property
    def admin_dsn(self) -> str:
        """The owner's address, which only migrations use; the application's own where none is given."""
        return self.database_admin_url or self.dsn

    @property
    def redis_url(self) -> str:
        secret = f":{quote(self.redis_password, safe='')}@" if self.redis_password else ""
        return f"redis://{secret}{self.redis_host}:{self.redis_port}/0"

    @property
    def is_loopback(self) -> bool:
        return self.catalyst_bind in LOOPBACK

    @property
    def trusts_loopback(self) -> bool:
        """Whether every request that reaches the port comes from this machine itself."""
        return self.is_loopback and not self.catalyst_behind_proxy

    def url_of(self, service: str) -> str:
        """Where a service listens."""
        known = BY_NAME[service]
        explicit = self.service_urls.get(service)
        return explicit or self.service_url_template.format(port=known.port, name=service, container=known.container)

    def port_of(self, service: str) -> int:
        """The port a service binds: the one of its address."""
        return urlsplit(self.url_of(service)).port or BY_NAME[service].port


@lru_cache(maxsize=1)
def setting_names() -> frozenset[str]:
    """Every name that the environment may set."""
    names = set()
    for field, known in Settings.model_fields.items():
        alias = known.validation_alias
        names |= {str(one) for one in alias.choices} if isinstance(alias, AliasChoices) else {field.upper()}
    return frozenset(names)


def _host_in(url: str) -> str:
    """The host of an address, empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def faults_around(env_file: str | Path | None) -> list[Fault]:
    """What is wrong with the file of settings and with the names in the environment."""
    found = typing_errors_in(os.environ, setting_names())
    return found + faults_in(Path(env_file), setting_names()) if env_file else found


@lru_cache(maxsize=1)
def read_settings() -> Settings:
    """The process's settings, read once."""
    return Settings()


def stray_names() -> list[Stray]:
    """Names in `.env` that nothing reads and that look as if they were meant for this system."""
    return strays_in(Path(ENV_FILE), setting_names())


def complaints(error: ValidationError) -> Iterable[str]:
    """What is wrong with the settings, a line each: the setting, the fault, the cure. Texts are never repeated, as any
    may be a secret; numbers are.
    """
    for item in error.errors():
        name = str(item["loc"][0]) if item["loc"] else ""
        field = Settings.model_fields.get(name)
        fault, value = fault_of(item), item["input"]
        if field is None or kind_of(field.annotation) in (None, bool):
            yield f"{name.upper()}: {fault}" if name else fault
            continue
        found = f", found {shown(value)}" if isinstance(value, int | float) or hasattr(value, "as_tuple") else ""
        yield f"{name.upper()}: {fault}{found}; set a number {bounds_of(field)}, or leave it empty"
