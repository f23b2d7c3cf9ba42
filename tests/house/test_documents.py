"""The documents name what exists, and each way in which they could not is seen to be found."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.documents import DOCUMENT_CHECKS, changelog, decisions, links, places, short_architecture
from tests.house_rules import Check, Tree
from tests.test_tidy import ROOT

ARCHITECTURE, INDEX = "Documentation/ARCHITECTURE.md", "Documentation/decisions/README.md"
CODE = "ONE = 1\n\nclass Desk:\n    many: int = 2\n\n    def wait(self) -> None: ...\n\nasync def send() -> None: ...\n"
LINES = {"0001-one.md": "| [0001](0001-one.md) | One. |\n", "0002-two.md": "| [0002](0002-two.md) | Two. |\n"}
GOOD = {
    "services/trading/send.py": CODE,
    ARCHITECTURE: "`services/trading/send.py:send`, `services/trading/send.py:Desk.wait`, "
    "`services/trading/send.py:ONE`,\n"
    "`services/trading/`, `services/trading/send.py`, `make up`, `GET /health`, `services/<name>.py`, `api -> flow`\n",
    INDEX: "".join(LINES.values()),
    "Documentation/decisions/0001-one.md": "# 1\n",
    "Documentation/decisions/0002-two.md": "# 2\n",
    "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\n- One.\n\n### Fixed\n- Two.\n",
    "README.md": "# A title: two\n[it](Documentation/ARCHITECTURE.md) [up](#a-title-two) [x](https://example.org/x)\n"
    "```\n[code](nowhere.md)\n```\n",
}


@dataclass(frozen=True)
class Plant:
    """Text added to a document of the good tree, and the check that must notice."""

    check: Check
    path: str
    text: str


PLANTS = (
    Plant(places, ARCHITECTURE, "`services/trading/gone.py`\n"),
    Plant(places, ARCHITECTURE, "`services/gone/flow/`\n"),
    Plant(places, ARCHITECTURE, "`services/trading/send.py:gone`\n"),
    Plant(places, ARCHITECTURE, "`services/trading/send.py:Desk.gone`\n"),
    Plant(places, ARCHITECTURE, "`services/trading/gone.py:send`\n"),
    Plant(places, "Documentation/FIRST_CHANGE.md", "`config/gone.yaml`\n"),
    Plant(places, "CONTRIBUTING.md", "`tests/gone.py`\n"),
    Plant(links, "Documentation/GLOSSARY.md", "[it](ARCHITECTURE.txt)\n"),
    Plant(links, "services/trading/NOTES.md", "[it](../../README.md#no-such-heading)\n"),
    Plant(decisions, "Documentation/decisions/0003-three.md", "# 3\n"),
    Plant(decisions, "Documentation/decisions/0002-again.md", "# 2\n"),
    Plant(decisions, INDEX, LINES["0001-one.md"]),
    Plant(decisions, INDEX, "| [0004](0001-one.md) | One, by another number. |\n"),
    Plant(changelog, "CHANGELOG.md", "### Money at risk\n- Three.\n"),
    Plant(changelog, "CHANGELOG.md", "## 0.9.0\n- Three.\n"),
    Plant(short_architecture, ARCHITECTURE, "\n" * 150),
)


@pytest.fixture
def good(tmp_path: Path) -> Tree:
    for name, text in GOOD.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Tree(tmp_path)


@pytest.mark.parametrize("check", DOCUMENT_CHECKS, ids=lambda check: check.__name__)
def test_the_documents_are_right(check: Check) -> None:
    assert check(Tree(ROOT)) == []


@pytest.mark.parametrize("check", DOCUMENT_CHECKS, ids=lambda check: check.__name__)
def test_what_is_right_is_left_alone(good: Tree, check: Check) -> None:
    assert check(good) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.check.__name__}: {plant.text.strip()[:50]}")
def test_a_planted_violation_is_found(good: Tree, plant: Plant) -> None:
    path = good.root / plant.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + plant.text)
    assert plant.check(good)


def test_every_check_has_a_plant() -> None:
    assert {plant.check for plant in PLANTS} == set(DOCUMENT_CHECKS)


@pytest.mark.parametrize("guide", ["Documentation/ARCHITECTURE.md", "Documentation/FIRST_CHANGE.md"])
def test_the_guides_name_many_places(guide: str) -> None:
    # A guide that names nothing would pass every check above.
    assert (ROOT / guide).read_text().count(".py:") >= 10
