"""Alpaca's own OpenAPI files, where the operator has put them beside the checkout (they are not ours), and what an
answer breaks of them. Null passes everywhere: the files mark nullable fields unevenly."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

FOLDER = Path(__file__).parents[3] / "shared" / "alpaca-openapi"
FILES = (FOLDER / "trading-api.yaml", FOLDER / "market-data-api.yaml")
KINDS: dict[str, Any] = {
    "string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict
}  # fmt: skip
FORMATS: dict[str, Any] = {"uuid": UUID, "date-time": datetime.fromisoformat, "date": datetime.fromisoformat}
BEYOND = {
    "Order": {"source", "subtag"},
    "OrderLeg": {"source", "subtag", "expires_at"},
    "Account": {"position_market_value", "balance_asof", "crypto_status", "last_maintenance_margin"},
    "Assets": {"maintenance_margin_requirement"},
    "CanceledOrderResponse": {"body"},
}
"""Fields that the vendor sends and its file does not name."""


@dataclass(frozen=True)
class Specification:
    """One file, read."""

    paths: dict[str, dict[str, Any]]
    schemas: dict[str, Any]
    responses: dict[str, Any]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation a request belongs to; literal paths go before patterns."""
        for template in sorted(self.paths, key=lambda one: one.count("{")):
            pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
            found: dict[str, Any] | None = self.paths[template].get(method.lower())
            if found is not None and re.fullmatch(pattern, path):
                return found
        return None

    def response(self, operation: dict[str, Any], status: int) -> dict[str, Any] | None:
        found: dict[str, Any] | None = operation["responses"].get(str(status))
        return self.responses[found["$ref"].rsplit("/", 1)[1]] if found and "$ref" in found else found

    def problems(self, schema: dict[str, Any], value: Any, where: str = "") -> Iterator[str]:
        """What is wrong with `value`, with the place of it."""
        if value is None:
            return
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            yield from min((list(self.problems(option, value, where)) for option in options), key=len)
            return
        schema, name = self._resolved(schema)
        kind = self._kind(schema)
        if kind and (not isinstance(value, KINDS[kind]) or (kind != "boolean" and isinstance(value, bool))):
            yield f"{where}: {value!r} is no {kind}"
        elif schema.get("enum") and value not in schema["enum"]:
            yield f"{where}: {value!r} is not one of {schema['enum']}"
        elif isinstance(value, dict):
            yield from self._in_object(schema, name, value, where)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.problems(schema.get("items", {}), item, f"{where}[{number}]")
        elif schema.get("format") in FORMATS and isinstance(value, str):
            yield from _misformed(schema["format"], value, where)

    def _in_object(self, schema: dict[str, Any], name: str, value: dict[str, Any], where: str) -> Iterator[str]:
        known, more = schema.get("properties", {}), schema.get("additionalProperties")
        for missing in set(schema.get("required", ())) - set(value):
            yield f"{where}: {missing} is missing"
        for key, part in value.items():
            if key in known:
                yield from self.problems(known[key], part, f"{where}.{key}")
            elif isinstance(more, dict):
                yield from self.problems(more, part, f"{where}.{key}")
            elif known and key not in BEYOND.get(name, set()):
                yield f"{where}: {key} is unknown"

    def _resolved(self, schema: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Without references, its parts (`allOf`) in one; and its name."""
        name = ""
        while "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            schema = self.schemas[name]
        merged = dict(schema)
        for part in schema.get("allOf", ()):
            inner, inner_name = self._resolved(part)
            name = name or inner_name
            for key in ("properties", "required"):
                if key in inner:
                    before = merged.get(key)
                    merged[key] = (
                        (inner[key] | (before or {})) if key == "properties" else [*(before or ()), *inner[key]]
                    )
            merged.setdefault("type", inner.get("type"))
        return merged, name

    @staticmethod
    def _kind(schema: dict[str, Any]) -> str | None:
        kinds = schema.get("type")
        kind = next((name for name in kinds if name != "null"), None) if isinstance(kinds, list) else kinds
        return kind if kind in KINDS else None


def _misformed(form: str, value: str, where: str) -> Iterator[str]:
    try:
        FORMATS[form](value)
    except ValueError:
        yield f"{where}: {value!r} is no {form}"


def read(path: Path) -> Specification:
    loaded: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    parts = loaded["components"]
    return Specification(loaded["paths"], parts["schemas"], parts["responses"])
