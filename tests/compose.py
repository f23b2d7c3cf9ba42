"""docker-compose.yml as Compose reads it: variables put in, services with their environment and ports."""

import re
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[1] / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+)(?:(:?[-?])([^${}]*))?\}")
SECRETS = ("POSTGRES_PASSWORD", "DATABASE_PASSWORD", "DATABASE_READONLY_PASSWORD", "REDIS_PASSWORD", "CATALYST_API_KEY")


def services(**variables: str) -> dict[str, dict[str, Any]]:
    """The services as they run with these variables in .env; each secret is made up where it is not given."""
    known = dict.fromkeys(SECRETS, "s" * 32) | variables

    def value(found: re.Match[str]) -> str:
        name, sign, default = found.groups()
        given = known.get(name)
        unset = given is None or (given == "" and (sign or "").startswith(":"))
        assert given is not None or "?" not in (sign or ""), f"{name} is required"
        return (default or "") if unset else str(given)

    def put_in(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: put_in(one) for key, one in item.items()}
        if isinstance(item, list):
            return [put_in(one) for one in item]
        while isinstance(item, str) and VARIABLE.search(item):
            item = VARIABLE.sub(value, item)
        return item

    read: dict[str, dict[str, Any]] = put_in(yaml.safe_load(FILE.read_text())["services"])
    return read


def environment(name: str, **variables: str) -> dict[str, str]:
    """What the process of one service finds in its environment, without what is empty."""
    return {key: str(value) for key, value in services(**variables)[name]["environment"].items() if value != ""}


def addresses(service: dict[str, Any]) -> list[str]:
    """The host's addresses on which a service's ports are published; "" for every address."""
    return [port.rpartition(":")[0].rpartition(":")[0] for port in service.get("ports", ())]
