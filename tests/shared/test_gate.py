"""Who may ask a service: the names it answers under, the pages that may send to it, and who needs the key."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI, WebSocket
from starlette.types import Message, Scope

from config.settings import Settings
from shared.deps import Alone
from shared.web import new_app
from tests.serving import served

KEY = "k" * 32
COMPOSE = {"catalyst_bind": "0.0.0.0", "catalyst_trust": "private-network", "catalyst_publish": "127.0.0.1"}
GATEWAY, CONTAINER, OUTSIDE = "172.18.0.1", "172.18.0.9", "203.0.113.7"
PATHS = (("GET", "/rows"), ("POST", "/act"), ("GET", "/metrics"), ("GET", "/docs"), ("GET", "/openapi.json"))
DECIDING = ("Host", "Origin", "X-API-Key", "Authorization", "Sec-Fetch-Site")
PRIVATE = ("127.0.0.1", GATEWAY, CONTAINER, "10.0.0.3", "192.168.65.1", "::1", "::ffff:172.18.0.1", "fd00::3")
PUBLIC = (OUTSIDE, "8.8.8.8", "100.64.0.1", "0.0.0.0", "2001:4860::8888", "::ffff:8.8.8.8", "172.32.0.1", "what", "")
Headers = list[tuple[bytes, bytes]]


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def app_for(**given: Any) -> FastAPI:
    app = new_app("trading", Alone(settings(**given)), about="a service")

    @app.get("/rows")
    async def rows() -> list[int]:
        return [1]

    @app.post("/act")
    async def act() -> dict[str, bool]:
        return {"done": True}

    @app.websocket("/ws")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("welcome")
        await socket.close()

    return app


def client_of(app: FastAPI, peer: str = "127.0.0.1", base: str = "http://localhost:5006") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 40000))
    return httpx.AsyncClient(transport=transport, base_url=base)


async def status(app: FastAPI, headers: dict[str, str] | None = None, **how: Any) -> int:
    async with client_of(app, **how) as client:
        return (await client.post("/act", headers=headers or {})).status_code


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_for()) as opened:
        yield opened


# --- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost:5006", "LocalHost:5006", "127.0.0.1", "[::1]:5006", "catalyst-trading:5006", "localhost:8006"]
)
async def test_a_service_answers_under_its_own_names(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/rows", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.", "localhost.evil.example", "evil.example:localhost", "localhost:80@evil.example",
        "user@localhost", "localhost:", "localhost:99999", "localhost:5006:5006", "::1", "[::1", "0.0.0.0:5006",
        "", "*",
        "localhost,evil.example", "localhost/evil", "127.1", "2130706433", "[::ffff:127.0.0.1]",
    ],
)  # fmt: skip
async def test_under_any_other_name_it_does_not(client: httpx.AsyncClient, host: str) -> None:
    for method, path in (*PATHS, ("GET", "/health")):
        assert (await client.request(method, path, headers={"Host": host})).status_code == 421, (method, path)


async def test_the_operator_adds_names() -> None:
    app = app_for(catalyst_allowed_hosts=" Desk.example.org, 192.168.1.5")
    assert await status(app, base="http://desk.example.org") == 200
    assert await status(app, base="http://192.168.1.5:5006") == 200
    assert await status(app, base="http://other.example.org") == 421


# --- pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000", "http://127.0.0.1:8888", "http://127.0.0.1:5006", "http://localhost", "https://localhost",
        "https://localhost:5006", "null", "", "http://localhost:80@evil.com", "http://localhost:5006@evil.com",
        "http://localhost:5006.evil.com", "http://localhost:5006/", "http://localhost.:5006", "http://LOCALHOST:5006",
        "HTTP://localhost:5006", "http://localhost:05006", "ws://localhost:5006", "localhost:5006", "//localhost:5006",
        "http://localhost:5006 http://evil.com", "http://evil.com,http://localhost:5006", "http://catalyst-trading:5006",
        "http://[::1]:5006", "file://", "chrome-extension://abc", "http://localhost:5010",
    ],
)  # fmt: skip
async def test_a_page_from_elsewhere_is_refused_on_every_route(client: httpx.AsyncClient, origin: str) -> None:
    for method, path in (*PATHS, ("GET", "/health"), ("OPTIONS", "/act")):
        answer = await client.request(method, path, headers={"Origin": origin})
        assert answer.status_code == 403, (method, path)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:5006", "http://localhost:5006"),
        ("LOCALHOST:5006", "http://localhost:5006"),
        ("127.0.0.1:5006", "http://127.0.0.1:5006"),
        ("[::1]:5006", "http://[::1]:5006"),
        ("localhost:80", "http://localhost"),
        ("localhost", "http://localhost"),
    ],
)
async def test_a_services_own_page_may_send(client: httpx.AsyncClient, host: str, origin: str) -> None:
    own = {"Host": host, "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/act", headers=own)).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "", "anything", "none, same-origin"])
async def test_a_browser_that_names_another_site_is_refused(client: httpx.AsyncClient, site: str) -> None:
    for method, path in PATHS:
        assert (await client.request(method, path, headers={"Sec-Fetch-Site": site})).status_code == 403, (method, path)
    own = {"Origin": "http://localhost:5006", "Sec-Fetch-Site": site}
    assert (await client.post("/act", headers=own)).status_code == 403


@pytest.mark.parametrize("site", ["none", "same-origin"])
async def test_a_typed_address_and_the_own_page_are_not(client: httpx.AsyncClient, site: str) -> None:
    assert (await client.get("/rows", headers={"Sec-Fetch-Site": site})).status_code == 200


async def test_an_origin_that_the_operator_lists_may_send() -> None:
    app = app_for(catalyst_allowed_origins="https://desk.example.org, http://localhost:3000")
    page = {"Origin": "http://localhost:3000"}
    assert await status(app, page) == 200
    assert await status(app, page | {"Sec-Fetch-Site": "same-site"}) == 200
    assert await status(app, {"Origin": "https://desk.example.org"}) == 200
    assert await status(app, {"Origin": "http://desk.example.org"}) == 403
    assert await status(app, {"Origin": "http://localhost:3001"}) == 403


@pytest.mark.parametrize("name", DECIDING)
async def test_a_header_that_decides_must_not_stand_twice(client: httpx.AsyncClient, name: str) -> None:
    good = {"Host": "localhost:5006", "Origin": "http://localhost:5006", "Sec-Fetch-Site": "none"}
    value = good.get(name, "x")
    twice = httpx.Headers([(name, value), (name, value)])
    answer = await client.post("/act", headers=twice)
    assert (answer.status_code, name.lower() in answer.json()["detail"].lower()) == (400, True)


@pytest.mark.parametrize(
    "name", ["Host", "Origin", "X-API-Key", "Authorization", "Sec-Fetch-Site", "X-Request-Id", "A"]
)
async def test_bytes_beyond_ascii_break_nothing(client: httpx.AsyncClient, name: str) -> None:
    for value in (b"\xff\xfe\x00", "é".encode(), b"\xf0\x9f\x98"):
        answer = await client.post("/act", headers=[(name.encode(), value)])
        assert answer.status_code in (200, 403, 421)
        app = app_for(catalyst_bind="0.0.0.0", catalyst_api_key=KEY)
        async with client_of(app, OUTSIDE) as other:
            answer = await other.post("/act", headers=[(name.encode(), value)])
            assert answer.status_code in (401, 403, 421)


# --- the key ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "peer", ["127.0.0.1", GATEWAY, CONTAINER, "10.0.0.3", "192.168.65.1", "::1", "::ffff:172.18.0.1"]
)
async def test_under_the_trust_a_private_peer_needs_no_key(peer: str) -> None:
    async with client_of(app_for(**COMPOSE, catalyst_api_key=KEY), peer) as client:
        for method, path in PATHS:
            assert (await client.request(method, path)).status_code == 200, (method, path)


@pytest.mark.parametrize(
    "peer",
    [OUTSIDE, "8.8.8.8", "100.64.0.1", "198.51.100.4", "0.0.0.0", "2001:4860::8888", "::ffff:8.8.8.8", "what", ""],
)
async def test_under_the_trust_any_other_peer_needs_it(peer: str) -> None:
    async with client_of(app_for(**COMPOSE, catalyst_api_key=KEY), peer) as client:
        for method, path in PATHS:
            assert (await client.request(method, path)).status_code == 401, (method, path)
            answer = await client.request(method, path, headers={"X-API-Key": KEY})
            assert answer.status_code == 200, (method, path)
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Host": "localhost"},
        {"X-Forwarded-Port": "443"}, {"x-forwarded-for": ""}, {"Forwarded": "for=127.0.0.1"}, {"Via": "1.1 caddy"},
        {"X-Real-IP": "127.0.0.1"}, {"CF-Connecting-IP": "127.0.0.1"}, {"True-Client-IP": "127.0.0.1"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("bound", [{}, COMPOSE], ids=["loopback", "compose"])
async def test_what_comes_through_a_proxy_needs_the_key(header: dict[str, str], bound: dict[str, str]) -> None:
    async with client_of(app_for(**bound, catalyst_api_key=KEY), "127.0.0.1") as client:
        refused = await client.post("/act", headers=header)
        assert refused.status_code == 401
        assert all(word in refused.json()["detail"] for word in ("proxy", "CATALYST_API_KEY", "X-API-Key"))
        assert (await client.post("/act", headers=header | {"X-API-Key": KEY})).status_code == 200
        assert (await client.get("/health", headers=header)).status_code == 200


async def test_without_a_key_no_key_opens() -> None:
    for bound in ({}, COMPOSE):
        for tried in ({}, {"X-API-Key": ""}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}):
            assert await status(app_for(**bound), {"Via": "1.1 caddy"} | tried) == 401


async def test_an_announced_proxy_ends_the_trust_of_loopback() -> None:
    app = app_for(catalyst_behind_proxy=True, catalyst_api_key=KEY)
    assert await status(app) == 401
    assert await status(app, {"X-API-Key": KEY}) == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-API-Key": KEY}, 200),
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer {KEY}"}, 200),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Authorization": KEY}, 401),
        ({"X-API-Key": KEY[:-1]}, 401),
        ({"X-API-Key": f"Bearer {KEY}"}, 401),
        ({}, 401),
    ],
)
async def test_bound_wider_the_key_is_shown_in_either_header(headers: dict[str, str], expected: int) -> None:
    async with client_of(app_for(catalyst_bind="0.0.0.0", catalyst_api_key=KEY), GATEWAY) as client:
        for method, path in PATHS:
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == expected, (method, path)
            assert expected == 200 or answer.headers["www-authenticate"].startswith("Bearer")
        assert (await client.get("/health", headers=headers)).status_code == 200


async def test_refused_keys_are_logged_once_in_a_while_and_never_themselves() -> None:
    app = app_for(catalyst_bind="0.0.0.0", catalyst_api_key=KEY)
    with structlog.testing.capture_logs() as lines:
        async with client_of(app, OUTSIDE) as client:
            for number in range(50):
                await client.post("/act?key=hidden", headers={"X-API-Key": f"guess-{number}"})
    (line,) = [one for one in lines if one["event"] == "request_refused"]
    assert (line["status"], line["peer"], line["path"], line["method"]) == (401, OUTSIDE, "/act", "POST")
    assert "guess" not in str(lines)
    assert "hidden" not in str(lines)
    assert KEY not in str(lines)


async def test_a_monitor_may_ask_by_head(client: httpx.AsyncClient) -> None:
    assert (await client.head("/health")).status_code == 200


# --- sockets ---------------------------------------------------------------------------------------------


async def knock(app: FastAPI, headers: Headers, peer: str = "127.0.0.1", denial: bool = True) -> list[Message]:
    """What the server is told to send for a handshake."""
    scope: Scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": "/ws",
        "raw_path": b"/ws", "root_path": "", "query_string": b"", "headers": headers, "client": (peer, 40000),
        "server": ("127.0.0.1", 5006), "subprotocols": [], "state": {},
        "extensions": {"websocket.http.response": {}} if denial else {},
    }  # fmt: skip
    sent: list[Message] = []
    asked: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

    async def receive() -> Message:
        return asked.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


HOST = (b"host", b"localhost:5006")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"host", b"evil.com")], 421),
        ([], 421),
        ([HOST, (b"origin", b"http://evil.com")], 403),
        ([HOST, (b"origin", b"http://localhost:3000")], 403),
        ([HOST, (b"origin", b"ws://localhost:5006")], 403),
        ([HOST, (b"origin", b"null")], 403),
        ([HOST, (b"sec-fetch-site", b"cross-site")], 403),
        ([HOST, HOST], 400),
        ([HOST, (b"via", b"1.1 caddy")], 401),
    ],
)
async def test_a_socket_is_refused_before_it_opens(headers: Headers, expected: int) -> None:
    sent = await knock(app_for(catalyst_api_key=KEY), headers)
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", expected)
    (close,) = await knock(app_for(catalyst_api_key=KEY), headers, denial=False)
    assert (close["type"], close["code"]) == ("websocket.close", 1008)


async def test_a_socket_opens_as_requests_do() -> None:
    for headers in ([HOST], [HOST, (b"origin", b"http://localhost:5006"), (b"sec-fetch-site", b"same-origin")]):
        assert (await knock(app_for(), headers))[0]["type"] == "websocket.accept"
    wide = app_for(catalyst_bind="0.0.0.0", catalyst_api_key=KEY)
    assert (await knock(wide, [HOST], GATEWAY))[0]["status"] == 401
    assert (await knock(wide, [HOST, (b"x-api-key", KEY.encode())], GATEWAY))[0]["type"] == "websocket.accept"
    compose = app_for(**COMPOSE, catalyst_api_key=KEY)
    assert (await knock(compose, [HOST], GATEWAY))[0]["type"] == "websocket.accept"
    assert (await knock(compose, [HOST], OUTSIDE))[0]["status"] == 401


async def test_a_real_server_denies_the_handshake() -> None:
    handshake = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    async with served(app_for()) as url, httpx.AsyncClient(trust_env=False) as http:
        refused = await http.get(f"{url}/ws", headers=handshake | {"Origin": "http://evil.com"})
        assert refused.status_code == 403
        elsewhere = await http.get(f"{url}/ws", headers=handshake | {"Host": "evil.com"})
        assert elsewhere.status_code == 421
