"""Each rule of the house is seen to bite: a violation planted in a copy of the tree is found."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import house_rules as rules
from tests import house_rules_runtime as runtime
from tests.house.settings import SETTINGS_CHECKS, every_setting_is_read, numbered_migrations
from tests.house.shape import FOLDER_MODULES, SHAPE_CHECKS, no_wide_files, pure_rules, shared_is_shared, small_folders
from tests.test_tidy import ROOT

PARTS = ("config", "shared", "services", "database", "scripts", "tests")


@dataclass(frozen=True)
class Plant:
    """Text added to a file, and the check that must notice."""

    check: rules.Check
    path: str
    text: str


PLANTS = (
    Plant(rules.short_files, "shared/long.py", "x = 1\n" * 401),
    Plant(rules.short_files, "shared/wide.py", "x = 1  # " + "wide " * 3300 + "\n"),
    Plant(rules.short_functions, "shared/long.py", "def long() -> None:\n" + "    x = 1\n" * 50),
    Plant(rules.service_shape, "services/scanner/extra.py", "x = 1\n"),
    Plant(rules.service_shape, "services/news/api/extra.py", "x = 1\n"),
    Plant(rules.service_shape, "services/stranger/api.py", "x = 1\n"),
    Plant(rules.service_docstrings, "services/scanner/__init__.py", '"""In: everything."""\n'),
    Plant(rules.owned_tables, "database/migrations/9999_more.sql", "CREATE TABLE unowned (x int);\n"),
    Plant(rules.owned_tables, "database/migrations/9999_more.sql", "-- owner: news\nCREATE TABLE orders (x int);\n"),
    Plant(rules.one_writer, "services/scanner/store.py", 'Q = "INSERT INTO orders (x) VALUES (1)"\n'),
    Plant(rules.one_writer, "services/scanner/store.py", 'Q = "UPDATE"\\\n  " positions SET x = 1"\n'),
    Plant(
        rules.one_writer, "services/scanner/store.py", 'def f(n: int) -> str:\n    return f"DELETE FROM halts {n}"\n'
    ),
    Plant(rules.one_writer, "services/scanner/store.py", 'def f(c):\n    c.copy_records_to_table("news_items")\n'),
    Plant(rules.one_writer, "services/scanner/store.py", 'Q = "INSERT INTO events (x) VALUES (1)"\n'),
    Plant(rules.allowed_calls, "services/scanner/flow.py", 'def f(deps):\n    deps.client.post("trading", "/x")\n'),
    Plant(rules.allowed_calls, "services/scanner/flow.py", "def f(deps, who):\n    deps.client.get(who, '/x')\n"),
    Plant(rules.allowed_calls, "services/workflow/flow.py", 'def f(deps):\n    deps.settings.url_of("dashboard")\n'),
    Plant(rules.no_cross_imports, "services/scanner/flow.py", "from services.news import rules\n"),
    Plant(rules.nothing_unfinished, "services/scanner/flow.py", "# TO" + "DO later\n"),
    Plant(rules.no_mocks, "tests/test_planted.py", "from unittest.mo" + "ck import Mock\n"),
    Plant(rules.no_machine_places, "scripts/planted.sh", "cd /wo" + "rk/main\n"),
    Plant(rules.no_machine_places, "scripts/planted.sh", "pip -i https://mirror.example/sim" + "ple/ x\n"),
    Plant(rules.one_time_zone, "services/scanner/flow.py", f'ZONE = "{rules.ZONE}"\n'),
    Plant(rules.plain_names, "shared/string_utils.py", "x = 1\n"),
    Plant(rules.plain_names, "shared/long.py", "class OrderManager:\n    x = 1\n"),
    Plant(runtime.errors_have_names, "services/news/store.py", "try:\n    x = 1\nexcept Exception:\n    x = 2\n"),
    Plant(runtime.errors_have_names, "shared/log.py", "try:\n    x = 1\nexcept (OSError, BaseException):\n    x = 2\n"),
    Plant(runtime.one_loop, "services/scanner/flow/views.py", "while True:\n    x = 1\n"),
    Plant(runtime.one_loop, "services/news/api.py", "while 1:\n    x = 1\n"),
    Plant(runtime.needs_are_named, "services/pattern/api.py", "def f(deps):\n    return deps.config\n"),
    Plant(runtime.one_follower, "services/signals/api.py", "def f(c):\n    c.add_listener('x', print)\n"),
    Plant(rules.tests_assert, "tests/test_planted.py", "def test_nothing() -> None:\n    x = 1\n"),
    Plant(every_setting_is_read, "config/trading.py", "class MorePart(Part):\n    lying_switch: bool = True\n"),
    Plant(every_setting_is_read, "config/services.py", "class Extra:\n    needs_nobody: bool = False\n"),
    Plant(no_wide_files, "services/scanner/rules/wide.py", "# ruff: noqa: E501\n"),
    Plant(pure_rules, "services/scanner/rules/state.py", "@dataclass(slots=True)\nclass Seen:\n    x: int\n"),
    Plant(pure_rules, "shared/domain/state.py", "seen: dict[str, int] = {}\n"),
    Plant(pure_rules, "shared/domain/state.py", "from time import perf_counter\n"),
    Plant(shared_is_shared, "shared/lonely.py", "x = 1\n"),
    Plant(numbered_migrations, "database/migrations/9999_more.sql", "SELECT 1;\n"),
    Plant(rules.facts_in_fields, "services/scanner/flow.py", 'def f(one):\n    return one.reason.endswith("lost")\n'),
    Plant(rules.facts_in_fields, "services/scanner/flow.py", 'def f(one):\n    return "price" in one["reason"]\n'),
    Plant(rules.facts_in_fields, "services/scanner/flow.py", 'def f(one):\n    return one.note == "off"\n'),
    Plant(
        rules.facts_in_fields, "services/scanner/flow.py", "def f(p, error):\n    return p.search(str(error.detail))\n"
    ),
)
IMPORTS = {
    "scripts -> services | database -> shared -> config": ("shared/errors.py", "import services.news\n"),
    "inside shared": ("shared/domain/base.py", "import shared.journal\n"),
    "inside a service": ("services/scanner/store.py", "import services.scanner.api\n"),
    "services never import each other": ("services/scanner/store.py", "import services.news\n"),
    "rules and domain do no I/O": ("shared/domain/market.py", "import httpx\n"),
    "adapters and the vendor's package": ("services/scanner/store.py", "import shared.adapters\n"),
    "news' sources are named": ("services/news/flow/assess.py", "import services.news.sources\n"),
}


class Planted(rules.Tree):
    """A copy of the tree that remembers what stood in a file before something was planted in it."""

    before: dict[Path, str | None]

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        object.__setattr__(self, "before", {})

    def plant(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        there = file.read_text() if file.exists() else None
        self.before.setdefault(file, there)
        file.write_text(("" if path.endswith("__init__.py") else there or "") + "\n" + text)

    def take_out(self) -> None:
        for file, text in self.before.items():
            if text is None:
                file.unlink()
            else:
                file.write_text(text)


@pytest.fixture(scope="module")
def clean_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.fixture
def tree(clean_copy: Path) -> Iterator[Planted]:
    """The copy, in which what a test planted is taken out again."""
    planted = Planted(clean_copy)
    yield planted
    planted.take_out()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.check.__name__}: {plant.path}")
def test_a_planted_violation_is_found(tree: Planted, plant: Plant) -> None:
    before = set(plant.check(tree))
    tree.plant(plant.path, plant.text)
    assert set(plant.check(tree)) - before


def test_a_folder_with_a_module_too_many_is_found(tree: Planted) -> None:
    for number in range(FOLDER_MODULES):
        tree.plant(f"database/more/part_{number}.py", "x = 1\n")
    assert "database/more" not in small_folders(tree)
    tree.plant("database/more/one_more.py", "x = 1\n")
    assert "database/more" in small_folders(tree)


def test_every_check_has_a_plant() -> None:
    assert {small_folders, *(plant.check for plant in PLANTS)} == {
        *rules.CHECKS,
        *runtime.RUNTIME_CHECKS,
        *SETTINGS_CHECKS,
        *SHAPE_CHECKS,
    }


def test_a_planted_import_breaks_its_contract(tree: Planted) -> None:
    """All of them at once; that the tree as it is keeps them is seen by `make contracts`."""
    for path, text in IMPORTS.values():
        tree.plant(path, text)
    command = [str(ROOT / ".venv/bin/lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert done.returncode != 0
    kept = [contract for contract in IMPORTS if not any(line.startswith(contract) for line in broken)]
    assert not kept, done.stdout
