"""Where the system runs. The only reader of the environment (and of .env); frozen once read.

The broker is the simulated exchange unless a real base URL is given, and live money needs three settings that agree.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.services import BY_NAME

LIVE_HOST, PAPER_HOST = "api.alpaca.markets", "paper-api.alpaca.markets"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Settings(BaseSettings):
    """Everything the environment says. Raises pydantic's ValidationError naming each setting that is wrong."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: str | None = None
    database_host: str = "127.0.0.1"
    database_port: int = 5432
    database_name: str = "catalyst_trading"
    database_user: str = "catalyst_app"
    database_password: str = ""
    database_ssl_mode: str = "prefer"
    database_wait_seconds: float = 60
    database_admin_url: str = ""
    database_readonly_password: str = ""

    redis_host: str = "127.0.0.1"
    redis_port: int = 6379
    redis_password: str = ""

    alpaca_api_key: str = "SIMULATED"
    alpaca_secret_key: str = "SIMULATED"
    alpaca_base_url: str = ""
    alpaca_data_url: str = ""
    alpaca_feed: Literal["iex", "sip", "delayed_sip"] = "iex"
    alpaca_requests_per_minute: int = Field(default=200, ge=10)

    trading_mode: Literal["paper", "live"] = "paper"
    enable_paper_trading: bool = True
    enable_live_trading: bool = False
    enable_autonomous_trading: bool = False
    enable_news_sentiment: bool = True
    enable_pattern_detection: bool = True
    enable_email_alerts: bool = False
    trading_session_mode: Literal["supervised", "autonomous"] | None = None
    workflow_auto_execute: bool | None = None
    workflow_scan_frequency_minutes: int | None = None
    workflow_execute_top_n: int | None = None
    max_daily_loss: float | None = None
    max_position_size: float | None = None
    max_positions: int | None = None
    risk_hot_reload: bool = True
    trading_hot_reload: bool = True

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_from: str = ""
    smtp_tls: bool = True
    alert_email_critical: str = ""
    alert_email_warning: str = ""
    alert_email_info: str = ""
    alert_webhook_url: str = Field(default="", pattern=r"^(https?://\S+)?$")

    news_api_key: str = Field(default="", validation_alias=AliasChoices("NEWS_API_KEY", "NEWSAPI_KEY"))
    benzinga_api_key: str = ""
    alphavantage_key: str = ""
    newsapi_plan: Literal["free", "paid"] = "free"
    newsapi_per_day: int = Field(default=100, ge=1)
    alphavantage_per_minute: int = Field(default=5, ge=1)
    alphavantage_per_day: int = Field(default=25, ge=1)
    benzinga_per_minute: int = Field(default=60, ge=1)
    sec_contact: str = Field(default="", pattern=r"^(.*\S+@\S+\.\S+.*)?$")
    enable_yahoo_news: bool = True
    news_urls: dict[str, str] = Field(default_factory=dict)
    news_llm_provider: Literal["", "openai", "anthropic"] = ""
    news_llm_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    news_llm_model: str = ""
    news_llm_key: str = ""
    news_llm_per_minute: int = Field(default=60, ge=1)
    news_llm_per_day: int = Field(default=2000, ge=1)
    news_llm_items: int = Field(default=20, ge=1, le=200)
    news_llm_timeout_seconds: float = Field(default=6.0, gt=0, le=60)
    news_reading_seconds: float = Field(default=8.0, gt=0, le=60)
    news_onnx_path: Path | None = None

    catalyst_api_key: str = ""
    catalyst_bind: str = "127.0.0.1"
    catalyst_allowed_hosts: str = ""
    service_url_template: str = "http://127.0.0.1:{port}"
    service_urls: dict[str, str] = Field(default_factory=dict)
    config_folder: Path = Path("config")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["json", "console"] = "console"
    log_folder: Path = Path("logs")

    exchange_tape: Path = Path(".local/tape")
    exchange_date: str = ""
    exchange_start: str = ""
    exchange_clock: Literal["frozen", "run"] = "frozen"
    exchange_speed: float = Field(default=1.0, ge=0)
    exchange_journal: Path | None = None
    exchange_seed: int = 7

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
        if self.catalyst_bind not in LOOPBACK and len(self.catalyst_api_key) < 16:
            raise ValueError(
                f"CATALYST_BIND is {self.catalyst_bind}, which others can reach: set CATALYST_API_KEY (16+ characters)"
            )
        unknown = set(self.service_urls) - set(BY_NAME)
        if unknown:
            raise ValueError(f"SERVICE_URLS names services that do not exist: {', '.join(sorted(unknown))}")
        return self

    @model_validator(mode="after")
    def _news(self) -> "Settings":
        """Keys go to their vendor, to this machine, or by TLS to where the operator says; never in clear elsewhere."""
        strange = [name for name, url in self.news_urls.items() if urlsplit(url).hostname not in LOOPBACK]
        if strange:
            raise ValueError(f"NEWS_URLS is for servers on this machine only: {', '.join(sorted(strange))}")
        if self.news_llm_provider and not self.news_llm_model:
            raise ValueError("NEWS_LLM_PROVIDER is set: name the model in NEWS_LLM_MODEL")
        where = urlsplit(self.news_llm_url)
        if where.scheme == "http" and where.hostname not in LOOPBACK:
            raise ValueError("NEWS_LLM_URL must be https, or a server on this machine")
        return self

    @property
    def broker(self) -> Literal["simulated", "paper", "live"]:
        """Which account the base URL leads to; anything but Alpaca's two hosts is the simulated exchange."""
        host = urlsplit(self.alpaca_base_url).hostname
        return "live" if host == LIVE_HOST else "paper" if host == PAPER_HOST else "simulated"

    @property
    def trading_url(self) -> str:
        """Base of the trading API without a trailing slash."""
        return (self.alpaca_base_url or self.url_of("exchange")).rstrip("/").removesuffix("/v2")

    @property
    def data_url(self) -> str:
        """Base of the market-data API without a trailing slash."""
        if self.alpaca_data_url:
            return self.alpaca_data_url.rstrip("/")
        return self.trading_url if self.broker == "simulated" else "https://data.alpaca.markets"

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

    def url_of(self, service: str) -> str:
        """Where a service listens."""
        known = BY_NAME[service]
        explicit = self.service_urls.get(service)
        return explicit or self.service_url_template.format(port=known.port, name=service, container=known.container)

    def port_of(self, service: str) -> int:
        """The port a service binds: the one of its address."""
        return urlsplit(self.url_of(service)).port or BY_NAME[service].port


@lru_cache(maxsize=1)
def read_settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
