"""Settings of the news sources and of the readers of texts: keys, plans, budgets, time-outs."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings

Budget = Annotated[int, Field(ge=1, le=1_000_000)]


class NewsSettings(BaseSettings):
    """The part of `Settings` that the news service alone reads. A source without its key is off."""

    news_api_key: str = Field(default="", validation_alias=AliasChoices("NEWS_API_KEY", "NEWSAPI_KEY"))
    benzinga_api_key: str = ""
    alphavantage_key: str = ""
    newsapi_plan: Literal["free", "paid"] = "free"
    newsapi_per_day: Budget = 100
    alphavantage_per_minute: Budget = 5
    alphavantage_per_day: Budget = 25
    benzinga_per_minute: Budget = 60
    sec_contact: str = Field(default="", pattern=r"^(.*\S+@\S+\.\S+.*)?$")
    enable_yahoo_news: bool = True
    news_llm_provider: Literal["", "openai", "anthropic"] = ""
    news_llm_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    news_llm_model: str = ""
    news_llm_key: str = ""
    news_llm_per_minute: Budget = 60
    news_llm_per_day: Budget = 2000
    news_llm_items: int = Field(default=20, ge=1, le=200)
    news_llm_timeout_seconds: float = Field(default=6.0, gt=0, le=60)
    news_reading_seconds: float = Field(default=8.0, gt=0, le=60)
    news_onnx_path: Path | None = None
