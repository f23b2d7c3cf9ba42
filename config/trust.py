"""When a request needs no key: which peers are trusted, and what takes the trust away. Pure.

Loopback is trusted. A private network is, where the installation says so (CATALYST_TRUST) and what it says of itself
agrees: its ports are published on loopback only (CATALYST_PUBLISH), and no proxy stands before it.
"""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from config.addresses import LOOPBACK

PRIVATE = tuple(
    ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
ORIGIN = re.compile(r"https?://([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9]\d{0,4})?")
DOCKERS_HOST = "host.docker.internal"
KEY_LENGTH = 16


class Reach(NamedTuple):
    """What the settings say of who can reach a service: CATALYST_BIND, _API_KEY, _TRUST, _PUBLISH and so on."""

    bind: str
    key: str
    trust: bool
    publish: str
    behind_proxy: bool
    hosts: str
    origins: str


def listed(text: str) -> tuple[str, ...]:
    """The items of a comma-separated setting, in lower case."""
    return tuple(item.strip().lower() for item in text.split(",") if item.strip())


def is_private(peer: str) -> bool:
    """Whether an address belongs to loopback or a private network; False for what is no address."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in PRIVATE)


def is_loopback(address: str) -> bool:
    """Whether an IP address, with or without IPv6's brackets, leads nowhere but to its own machine."""
    try:
        return ip_address(address.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def reach_trouble(reach: Reach) -> str:
    """Why a service must not start with these settings; empty when it may."""
    trouble = _names_trouble(reach.hosts, reach.origins)
    return trouble or (_trust_trouble(reach) if reach.trust else "") or _key_trouble(reach)


def _names_trouble(hosts: str, origins: str) -> str:
    for host in listed(hosts):
        if not NAME.fullmatch(host) and not _is_address(host):
            return f"CATALYST_ALLOWED_HOSTS: {host} is no host name; give names without scheme and port, by commas"
    for origin in listed(origins):
        if not ORIGIN.fullmatch(origin):
            return f"CATALYST_ALLOWED_ORIGINS: {origin} is no origin; give such as https://desk.example.org, by commas"
    return ""


def _trust_trouble(reach: Reach) -> str:
    """A name that reaches beyond this machine, or a page served by TLS, means a wider port or a proxy as well."""
    start, cure = "CATALYST_TRUST=private-network is refused: ", "empty CATALYST_TRUST (then the key is needed)"
    if not reach.publish:
        return f"{start}CATALYST_PUBLISH does not say on which address the ports are published; set it or {cure}"
    if not is_loopback(reach.publish):
        return f"{start}CATALYST_PUBLISH={reach.publish} is wider than loopback; set it to 127.0.0.1 or {cure}"
    if reach.behind_proxy:
        return f"{start}CATALYST_BEHIND_PROXY says that a proxy stands before the services; {cure}"
    for host in listed(reach.hosts):
        if not _stays_here(host):
            return f"{start}CATALYST_ALLOWED_HOSTS names {host}, which others can reach; take it out or {cure}"
    for origin in listed(reach.origins):
        found = ORIGIN.fullmatch(origin)
        if origin.startswith("https:") or (found and not _stays_here(found[1])):
            return f"{start}CATALYST_ALLOWED_ORIGINS names {origin}, a page behind a proxy; take it out or {cure}"
    return ""


def _key_trouble(reach: Reach) -> str:
    """The key is needed where others can reach a service; one that is set under the trust must be hard to guess."""
    if len(reach.key) >= KEY_LENGTH:
        return ""
    cure = f"set CATALYST_API_KEY ({KEY_LENGTH}+ characters)"
    if reach.behind_proxy:
        return f"CATALYST_BEHIND_PROXY is true: {cure}"
    if not reach.trust and reach.bind not in LOOPBACK:
        return f"CATALYST_BIND is {reach.bind}, which others can reach: {cure}"
    return f"CATALYST_API_KEY is too short: {cure}" if reach.trust and reach.key else ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _stays_here(host: str) -> bool:
    """A name that only this machine or its containers' network can resolve."""
    return not {".", ":"} & {*host} or host == DOCKERS_HOST or is_loopback(host)
