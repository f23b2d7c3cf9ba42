"""Every source and reader from the settings, those that are off included: they say why."""

from config.settings import Settings
from services.news.sources import sec as edgar
from services.news.sources import yahoo as search
from services.news.sources.alpaca import AlpacaNews
from services.news.sources.alphavantage import URL as ALPHAVANTAGE_URL
from services.news.sources.alphavantage import AlphaVantageNews
from services.news.sources.benzinga import URL as BENZINGA_URL
from services.news.sources.benzinga import BenzingaNews
from services.news.sources.budget import Budget
from services.news.sources.newsapi import PER_MINUTE as PRESS_PER_MINUTE
from services.news.sources.newsapi import URL as PRESS_URL
from services.news.sources.newsapi import PressNews
from services.news.sources.readers import chat
from services.news.sources.readers.onnx import OnnxReader
from services.news.sources.vendor import Vendor
from shared.ports import Cache, Clock, MarketData

Feed = AlpacaNews | BenzingaNews | edgar.SecNews | PressNews | AlphaVantageNews | search.YahooNews
Rung = chat.OpenAiReader | chat.AnthropicReader | OnnxReader
SIMULATED = "the simulated exchange plays another day than the world's"
AGENT = "CatalystTrading/1.0"


def feeds(settings: Settings, clock: Clock, cache: Cache, market: MarketData) -> tuple[Feed, ...]:
    """Alpaca's wire first; the others in the order in which a person would look."""

    def off(name: str, is_set: bool, missing: str) -> str | None:
        if settings.broker == "simulated" and name not in settings.news_urls:
            return SIMULATED
        return None if is_set else missing

    def vendor(
        name: str, url: str, per_minute: int, per_day: int | None = None, secret: str = "", **headers: str
    ) -> Vendor:
        named = {"user-agent": AGENT} | {header.replace("_", "-"): value for header, value in headers.items()}
        budget = Budget(name, clock, cache, per_minute, per_day)
        return Vendor(settings.news_urls.get(name, url), budget, named, secret=secret)

    bz, press, av = settings.benzinga_api_key, settings.news_api_key, settings.alphavantage_key
    say = settings.sec_contact
    per_minute, per_day = settings.alphavantage_per_minute, settings.alphavantage_per_day
    return (
        AlpacaNews(settings, None if settings.broker == "simulated" else cache),
        BenzingaNews(
            vendor("benzinga", BENZINGA_URL, settings.benzinga_per_minute, secret=bz, accept="application/json"),
            bz,
            off("benzinga", bool(bz), "BENZINGA_API_KEY is not set"),
        ),
        edgar.SecNews(
            vendor("sec", edgar.URL, edgar.PER_MINUTE, user_agent=f"{AGENT} {say}"),
            off("sec", bool(say), "SEC_CONTACT is not set: the SEC wants a name and an e-mail address"),
        ),
        PressNews(
            vendor("newsapi", PRESS_URL, PRESS_PER_MINUTE, settings.newsapi_per_day, press, x_api_key=press),
            market,
            settings.newsapi_plan,
            off("newsapi", bool(press), "NEWS_API_KEY is not set"),
        ),
        AlphaVantageNews(
            vendor("alphavantage", ALPHAVANTAGE_URL, per_minute, per_day, av),
            av,
            off("alphavantage", bool(av), "ALPHAVANTAGE_KEY is not set"),
        ),
        search.YahooNews(
            vendor("yahoo", search.URL, search.PER_MINUTE, search.PER_DAY, user_agent=search.AGENT),
            off("yahoo", settings.enable_yahoo_news, "ENABLE_YAHOO_NEWS is false"),
        ),
    )


def readers(settings: Settings, clock: Clock, cache: Cache) -> tuple[Rung, ...]:
    """The rungs above our own reading, best first; only those that the operator configured."""
    found: list[Rung] = []
    if settings.news_llm_provider:
        found.append(_llm(settings, clock, cache))
    if settings.news_onnx_path is not None:
        found.append(OnnxReader(settings.news_onnx_path))
    return tuple(found)


def _llm(settings: Settings, clock: Clock, cache: Cache) -> Rung:
    key, model, most = settings.news_llm_key, settings.news_llm_model, settings.news_llm_items
    budget = Budget("llm", clock, cache, settings.news_llm_per_minute, settings.news_llm_per_day)
    seconds = settings.news_llm_timeout_seconds
    if settings.news_llm_provider == "anthropic":
        headers = {"x-api-key": key, "anthropic-version": chat.ANTHROPIC_VERSION}
        url = (settings.news_llm_url or chat.ANTHROPIC_URL).rstrip("/").removesuffix("/v1")
        return chat.AnthropicReader(Vendor(url, budget, headers, secret=key, seconds=seconds), model, most)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = settings.news_llm_url or chat.OPENAI_URL
    return chat.OpenAiReader(Vendor(url, budget, headers, secret=key, seconds=seconds), model, most)
