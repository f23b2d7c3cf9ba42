"""Named runs of the sweep, each of which the auditor must find without a breach. `make chaos` tries all of them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.embedded import Server
from tests.faults.named import NAMED, SHORT
from tests.faults.stage import Mother
from tests.faults.sweep import TEMPLATE, make_template, run_one


@pytest.fixture(scope="module")
def mother() -> Iterator[Mother]:
    made = Mother()
    yield made
    made.end()


@pytest.fixture(scope="module")
def open_folder(postgres: Server, server_folder: Path) -> Path:
    """Beside the database server, with the template of this module in it."""
    folder = server_folder / "named"
    folder.mkdir()
    asyncio.run(make_template(postgres.url, TEMPLATE_NAMED))
    return folder


TEMPLATE_NAMED = f"{TEMPLATE}_named"


@pytest.mark.parametrize("name", SHORT)
async def test_a_run_with_a_name(name: str, postgres: Server, open_folder: Path, mother: Mother) -> None:
    place = f"named_{list(NAMED).index(name)}"
    verdict = await run_one(postgres.url, open_folder, place, NAMED[name], mother, template=TEMPLATE_NAMED)
    assert verdict.breaches == []
