"""The private network of Docker Compose has loopback's trust, and loses it where others could have it too."""

from typing import Any

import pytest
from pydantic import ValidationError

from config.services import SERVICES
from config.settings import Settings
from config.trust import is_private
from tests import compose

KEY = "k" * 32
TRUST = {"catalyst_bind": "0.0.0.0", "catalyst_trust": "private-network", "catalyst_publish": "127.0.0.1"}
OWN = [service.name for service in SERVICES]


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def as_composed(name: str, **variables: str) -> Settings:
    """The settings that a container reads."""
    return settings(**{key.lower(): value for key, value in compose.environment(name, **variables).items()})


@pytest.mark.parametrize("publish", ["127.0.0.1", "127.0.0.2", "::1", "[::1]"])
def test_on_loopback_the_trust_stands_without_a_key(publish: str) -> None:
    assert settings(**TRUST | {"catalyst_publish": publish}).catalyst_trust


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"catalyst_publish": ""}, "CATALYST_PUBLISH does not say"),
        ({"catalyst_publish": "0.0.0.0"}, "CATALYST_PUBLISH=0.0.0.0 is wider"),
        ({"catalyst_publish": "192.168.1.5"}, "CATALYST_PUBLISH=192.168.1.5"),
        ({"catalyst_publish": "::"}, "CATALYST_PUBLISH=::"),
        ({"catalyst_publish": "[::]"}, "wider"),
        ({"catalyst_publish": "localhost.evil.example"}, "wider"),
        ({"catalyst_publish": "127.0.0.1,0.0.0.0"}, "wider"),
        ({"catalyst_behind_proxy": True}, "CATALYST_BEHIND_PROXY"),
        ({"catalyst_allowed_hosts": "desk.example.org"}, "CATALYST_ALLOWED_HOSTS names desk.example.org"),
        ({"catalyst_allowed_hosts": "workflow, 192.168.1.5"}, "192.168.1.5"),
        ({"catalyst_allowed_hosts": "2001:db8::5"}, "2001:db8::5"),
        ({"catalyst_allowed_origins": "https://desk"}, "CATALYST_ALLOWED_ORIGINS names https://desk"),
        ({"catalyst_allowed_origins": "http://desk.example.org"}, "http://desk.example.org"),
    ],
)
@pytest.mark.parametrize("key", ["", KEY])
def test_the_trust_is_refused_in_one_line_that_names_the_setting(change: dict[str, Any], named: str, key: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        settings(**TRUST | change, catalyst_api_key=key)
    (one,) = refusal.value.errors()
    assert "CATALYST_TRUST=private-network is refused" in one["msg"]
    assert named in one["msg"]
    assert "\n" not in one["msg"]


def test_names_that_stay_on_the_machine_do_not_take_it_away() -> None:
    assert settings(**TRUST, catalyst_allowed_hosts="workflow, host.docker.internal, 127.0.0.2").catalyst_trust
    assert settings(**TRUST, catalyst_allowed_origins="http://localhost:3000").catalyst_trust


def test_a_proxy_and_a_wider_port_need_a_key_that_is_long_enough() -> None:
    for reachable in ({"catalyst_behind_proxy": True}, {"catalyst_bind": "0.0.0.0"}, {"catalyst_bind": "192.168.1.5"}):
        for key in ("", "short", "k" * 15):
            with pytest.raises(ValidationError, match="CATALYST_API_KEY"):
                settings(**reachable, catalyst_api_key=key)
        assert settings(**reachable, catalyst_api_key=KEY)
    with pytest.raises(ValidationError, match="CATALYST_API_KEY is too short"):
        settings(**TRUST, catalyst_api_key="short")
    with pytest.raises(ValidationError):
        settings(catalyst_trust="yes")


@pytest.mark.parametrize("hosts", ["https://desk.example.org", "desk.example.org:443", "*", "a b", "-desk"])
def test_names_of_hosts_are_names(hosts: str) -> None:
    with pytest.raises(ValidationError, match="CATALYST_ALLOWED_HOSTS"):
        settings(catalyst_allowed_hosts=hosts)


@pytest.mark.parametrize(
    "origins", ["desk.example.org", "null", "*", "https://desk.example.org/", "http://a@b", "file://"]
)
def test_origins_are_whole(origins: str) -> None:
    with pytest.raises(ValidationError, match="CATALYST_ALLOWED_ORIGINS"):
        settings(catalyst_allowed_origins=origins)


@pytest.mark.parametrize(
    ("peer", "private"),
    [
        ("127.0.0.1", True), ("172.16.0.1", True), ("172.31.255.254", True), ("172.32.0.1", False), ("10.1.2.3", True),
        ("192.168.0.9", True), ("192.169.0.9", False), ("100.64.0.1", False), ("169.254.1.1", False),
        ("203.0.113.7", False), ("198.18.0.1", False), ("240.0.0.1", False), ("0.0.0.0", False), ("8.8.8.8", False),
        ("::1", True), ("fd12::1", True), ("fe80::1", False), ("2001:db8::1", False), ("::ffff:10.0.0.1", True),
        ("::ffff:8.8.8.8", False), ("testclient", False), ("", False), ("127.0.0.1.evil", False),
    ],
)  # fmt: skip
def test_which_peers_are_of_a_private_network(peer: str, private: bool) -> None:
    assert is_private(peer) is private


# --- docker-compose.yml ----------------------------------------------------------------------------------------------


def test_every_port_is_published_on_loopback() -> None:
    published = {name: compose.addresses(service) for name, service in compose.services().items()}
    assert published.keys() >= {*OWN, "postgres", "redis"}
    assert {address for addresses in published.values() for address in addresses} == {"127.0.0.1"}
    assert all(len(published[name]) == 1 for name in OWN)
    assert not any("network_mode" in service for service in compose.services().values())


@pytest.mark.parametrize("name", OWN)
def test_each_service_starts_as_composed_and_trusts_its_network(name: str) -> None:
    assert as_composed(name).catalyst_trust == "private-network"
    assert not as_composed(name).is_loopback


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.5", "[::]"])
@pytest.mark.parametrize("name", OWN)
def test_a_service_sees_how_its_port_is_published(name: str, address: str) -> None:
    widened = compose.services(CATALYST_PUBLISH=address)
    (published,) = compose.addresses(widened[name])
    assert published == (address if name != "exchange" else "127.0.0.1")
    with pytest.raises(ValidationError, match="CATALYST_TRUST=private-network is refused"):
        as_composed(name, CATALYST_PUBLISH=address)
    assert not as_composed(name, CATALYST_PUBLISH=address, CATALYST_TRUST="").catalyst_trust


def test_database_and_cache_are_never_published_wider() -> None:
    widened = compose.services(CATALYST_PUBLISH="0.0.0.0")
    assert [compose.addresses(widened[name]) for name in ("postgres", "redis")] == [["127.0.0.1"]] * 2
