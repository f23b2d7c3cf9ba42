"""What documents may say: places that exist, links that lead somewhere, decisions that stand in their index."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.house_rules import Tree

INDEX = "Documentation/decisions/README.md"
GUIDES = ("Documentation/ARCHITECTURE.md", "Documentation/FIRST_CHANGE.md", "CONTRIBUTING.md", INDEX)
QUOTED = re.compile(r"`([^`\n]+)`")
PLACE = re.compile(r"(?P<path>[\w.-]+(?:/[\w.-]+)+(?:/|\.(?:py|sql|md|yaml|yml|toml|sh)))(?::(?P<name>[\w.]+))?")
KINDS_OF_CHANGE = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
LINK = re.compile(r"\]\(([^)\s]+)\)")
DECISION = re.compile(r"\d{4}-[\w-]+\.md")
LINE_OF_INDEX = re.compile(r"^\| \[(\d{4})\]\((\d{4}-[\w-]+\.md)\) \| \S.* \|$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def places(tree: Tree) -> list[str]:
    """Places in the guides that are not there: `folder/file`, `folder/folder/` or `folder/file:function`.

    A name alone (`api.py`, `rules/`) is a shape, not a place.
    """
    return [
        f"{guide}: there is no {quoted}"
        for guide in GUIDES
        for quoted in dict.fromkeys(QUOTED.findall(_text(tree.root / guide)))
        if (place := PLACE.fullmatch(quoted)) and not _stands(tree.root / place["path"], place["name"])
    ]


def links(tree: Tree) -> list[str]:
    """Relative links of all Markdown files that lead nowhere, to a file or to a heading."""
    return [
        f"{name}: {target} leads nowhere"
        for name, path in _documents(tree)
        for target in LINK.findall(FENCE.sub("", _text(path)))
        if "://" not in target and not target.startswith("mailto:") and not _leads_somewhere(path, target)
    ]


def decisions(tree: Tree) -> list[str]:
    """Decisions that the index lacks or names twice or by another number, and numbers that are taken twice."""
    folder = (tree.root / INDEX).parent
    listed = [target for _, target in LINE_OF_INDEX.findall(_text(tree.root / INDEX))]
    files = sorted(path.name for path in folder.glob("*.md") if DECISION.fullmatch(path.name))
    numbers = [name[:4] for name in files]
    found = [f"{name}: named {listed.count(name)} times in the index" for name in files if listed.count(name) != 1]
    found += [f"{name}: its number is taken twice" for name in files if numbers.count(name[:4]) > 1]
    found += [
        f"{one[1]}: its line says {one[0]}"
        for one in LINE_OF_INDEX.findall(_text(tree.root / INDEX))
        if one[0] != one[1][:4]
    ]
    return found


def short_architecture(tree: Tree) -> list[str]:
    """The architecture fits in 150 lines."""
    lines = len(_text(tree.root / GUIDES[0]).splitlines())
    return [f"{GUIDES[0]}: {lines} lines, at most 150"] if lines > 150 else []


def changelog(tree: Tree) -> list[str]:
    """Headings of the changelog that Keep a Changelog does not know, and lines that stand under none of them."""
    found, under = [], None
    for number, line in enumerate(_text(tree.root / "CHANGELOG.md").splitlines(), 1):
        if line.startswith("#"):
            under = line.removeprefix("### ") if line.startswith("### ") else None
            if under is not None and under not in KINDS_OF_CHANGE:
                found.append(f"CHANGELOG.md:{number}: {under} is none of {', '.join(KINDS_OF_CHANGE)}")
        elif line.startswith("- ") and under is None:
            found.append(f"CHANGELOG.md:{number}: stands under no kind of change")
    return found


DOCUMENT_CHECKS: tuple[Callable[[Tree], list[str]], ...] = (places, links, decisions, short_architecture, changelog)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _documents(tree: Tree) -> Iterator[tuple[str, Path]]:
    return ((name, path) for name, path in tree.files() if path.suffix == ".md")


def _stands(path: Path, name: str | None) -> bool:
    if name is None:
        return path.exists()
    if not path.is_file():
        return False
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = [node for node in body if part in _defined(node)]
        if not found:
            return False
        body = found[0].body if isinstance(found[0], ast.ClassDef) else []
    return True


def _defined(node: ast.stmt) -> set[str]:
    """Names that a statement of a module or a class defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}


def _leads_somewhere(document: Path, target: str) -> bool:
    place, _, heading = target.partition("#")
    path = document.parent / place if place else document
    if not path.exists():
        return False
    return not heading or heading in {_slug(line) for line in _text(path).splitlines() if line.startswith("#")}


def _slug(heading: str) -> str:
    """How a heading is addressed: lower case, hyphens for blanks, no punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("#").strip().lower()).replace(" ", "-")
