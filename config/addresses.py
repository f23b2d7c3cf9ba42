"""Which addresses may be given the broker's keys: Alpaca's own by TLS, and the simulated exchange near by."""

import re
from typing import Literal

from config.services import BY_NAME

LIVE_HOST, PAPER_HOST, DATA_HOST = "api.alpaca.markets", "paper-api.alpaca.markets", "data.alpaca.markets"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NEAR = (*LOOPBACK, BY_NAME["exchange"].container)
ADDRESS = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?(?:/v2)?/?", re.ASCII)
Account = Literal["simulated", "paper", "live"]


def base_of(url: str) -> str:
    """An address without its trailing slash and `/v2`, which the paths bring along."""
    return url.removesuffix("/").removesuffix("/v2")


def host_of(url: str) -> str:
    """The host of an address that `fault_in` accepts."""
    found = ADDRESS.fullmatch(url)
    return found[2].strip("[]") if found else ""


def fault_in(url: str, hosts: tuple[str, ...]) -> str:
    """Why an address may not be given the broker's keys, or nothing. `hosts` are Alpaca's that are meant; the
    simulated exchange may always be. The address is not repeated: it may hold a secret.
    """
    found = ADDRESS.fullmatch(url)
    if found is None:
        return _form(url)
    scheme, host, port = found[1], found[2].strip("[]"), int(found[3] or 0)
    if port > 65535:
        return "its port is more than 65535"
    if host in NEAR:
        return ""
    if host in hosts:
        secure = "" if scheme == "https" else "it is not https://, and the keys would travel in clear"
        return secure or ("it names a port, and Alpaca has none of its own" if port else "")
    if host.rstrip(".").endswith("alpaca.markets"):
        return "it is another host of Alpaca's, or has a dot too many"
    return "it is neither Alpaca's nor the simulated exchange on this machine: strangers are given no keys"


def _form(url: str) -> str:
    """What makes a text no address of the form scheme://host:port."""
    if re.search(r"\s", url):
        return "it holds a blank"
    for mark, what in (("@", "a user or a password"), ("?", "a query"), ("#", "a fragment")):
        if mark in url:
            return f"it holds {what}"
    if not url.isascii() or not url.isprintable():
        return "it holds characters that no address has"
    if url != url.lower():
        return "it holds capital letters"
    if not url.startswith(("https://", "http://")):
        return "it does not begin with https://"
    return "it is not of the form https://host, and has a path or a port that do not belong there"


def account_of(url: str) -> Account:
    """Which account a base URL leads to; an empty one to the simulated exchange."""
    return {LIVE_HOST: "live", PAPER_HOST: "paper"}.get(host_of(url), "simulated")  # type: ignore[return-value]
