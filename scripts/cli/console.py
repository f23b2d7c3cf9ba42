"""What all commands share: where the services are, how an answer or an error is shown."""

import json
from pathlib import Path
from typing import Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.table import Table

from config.services import BY_NAME
from config.settings import read_settings

LOCAL = Path(".local")
out = Console()
err = Console(stderr=True, highlight=False)


def fail(text: str, code: int = 1) -> NoReturn:
    """Say on stderr what went wrong and what to do, and end."""
    err.print(f"[red]catalyst:[/red] {text}", markup=True, soft_wrap=True)
    raise typer.Exit(code)


def url_of(service: str) -> str:
    """The running embedded system's address when there is one, else that of .env or the standard port."""
    try:
        known = json.loads((LOCAL / "addresses.json").read_text())["services"]
    except (OSError, ValueError, KeyError):
        known = {}
    return str(known.get(service) or read_settings().url_of(service))


def call(method: str, service: str, path: str, body: dict[str, Any] | None = None, timeout: float = 120) -> Any:
    """Ask a service; its refusal or absence ends the command with the reason and what to do."""
    key = read_settings().catalyst_api_key
    url = url_of(service)
    try:
        answer = httpx.request(
            method,
            url + path,
            json=body,
            headers={"X-API-Key": key} if key else {},
            timeout=httpx.Timeout(timeout, connect=2),
            trust_env=False,
        )
    except httpx.ConnectError:
        fail(f"{service} is not running at {url}. Start the system with `make up`, or look at `catalyst status`.")
    except httpx.HTTPError as error:
        fail(f"{service} did not answer {path} within {timeout:.0f} s ({type(error).__name__}).")
    if answer.is_success:
        return answer.json()
    try:
        problem = answer.json()
    except ValueError:
        problem = {"detail": answer.text[:200]}
    when = problem.get("possible_at")
    fail(f"{problem.get('detail', answer.status_code)}" + (f" Possible at {when}." if when else ""))


def show(data: Any, as_json: bool, table: Table | None = None) -> None:
    """JSON for programs, a table for people."""
    if as_json or table is None:
        out.print_json(json.dumps(data, default=str))
    else:
        out.print(table)


def table_of(title: str, columns: list[str], rows: list[list[Any]]) -> Table:
    """A table whose number-like columns align to the right."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(
            *("-" if value is None else f"{value:,}" if isinstance(value, int) else str(value) for value in row)
        )
    return table


def known_service(name: str) -> str:
    """`name` if there is such a service; ends with the list of them if not."""
    if name not in BY_NAME:
        fail(f"there is no service {name!r}; there are {', '.join(BY_NAME)}", 2)
    return name
