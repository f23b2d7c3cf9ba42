"""The rules of the house that a reader of files can check. Each takes a tree and returns what breaks it."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config.services import BY_NAME, JOURNALS, SERVICES

FILE_LINES, FILE_BYTES, FUNCTION_LINES = 400, 16 * 1024, 50
SKIPPED = {"__pycache__", "build", "logs", "node_modules"}
TEXTS = {".py", ".sql", ".sh", ".md", ".yml", ".yaml", ".toml", ".txt", ".template", ".ini", ".html", ".css", ".js"}
FOLDERS = ("flow", "rules", "store")
SHAPE = {"__init__.py", "api.py", *(f"{noun}.py" for noun in FOLDERS), *FOLDERS}
ALLOWED_BESIDE = {"news": {"sources"}, "exchange": {"api"}}
ZONE = "America/" + "New_York"
ZONE_HOME = "shared/domain/session.py"
BANNED_NAMES = {"manager", "managers", "helper", "helpers", "util", "utils", "utility", "common", "misc"}
BANNED_ENDINGS = ("Manager", "Handler", "Helper", "Helpers", "Util", "Utils", "Repository", "UnitOfWork", "Locator")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error|place" r"holder)\b")
MOCKS = re.compile(r"unittest\.mo" r"ck|\bMagic" r"Mock\b|\bmonkey" r"patch\b|\bmocker\b|\bpytest_mo" r"ck\b")
PLACES = re.compile(
    r"https?://[^ \"]*/(?:simple|packages)/|registry\.[a-z]+js\.|\"res"
    r"olved\":|index-url *=|--find-"
    r"links"
    r"|(?:^|[\s\"'=:(])/(?:wo"
    r"rk|fa"
    r"rm|ro"
    r"ot|home/[a-z]+)/"
)
TABLE = re.compile(r"(?:--\s*owner:\s*([\w-]+)\s*\n)?\s*CREATE TABLE (?:IF NOT EXISTS )?(\w+)")
WRITE = re.compile(
    r"\b(?:INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE(?: TABLE)?|MERGE INTO)\s+(?:ONLY\s+)?\"?([a-z_]\w*)"
)


PROSE = {"reason", "note", "message", "detail", "why", "summary", "otherwise", "lock_reason", "cancel_reason"}
CUTS = {"partition", "rpartition", "split", "rsplit", "removeprefix", "removesuffix", "replace"}
READING = CUTS | {"startswith", "endswith", "find", "rfind", "index", "count"}
VENDOR = "shared/adapters/"
"""The one place that may read another's words, which it turns into a code."""


@cache
def _parsed(text: str) -> ast.Module:
    """Each file is parsed once, though every check walks through it."""
    return ast.parse(text)


@dataclass(frozen=True)
class Tree:
    """A checkout (or a copy of one)."""

    root: Path

    def files(self, below: str = ".") -> Iterator[tuple[str, Path]]:
        for path in sorted((self.root / below).rglob("*")):
            parts = path.relative_to(self.root).parts
            if path.is_file() and not any(part in SKIPPED or part.startswith(".") for part in parts[:-1]):
                yield "/".join(parts), path

    def python(self, below: str = ".") -> Iterator[tuple[str, ast.Module]]:
        for name, path in self.files(below):
            if path.suffix == ".py":
                yield name, _parsed(path.read_text(encoding="utf-8"))

    def texts(self) -> Iterator[tuple[str, str]]:
        for name, path in self.files():
            if path.suffix in TEXTS or path.name in {"Makefile", "Dockerfile"}:
                yield name, path.read_text(encoding="utf-8")


Check = Callable[[Tree], list[str]]


def _service_of(name: str) -> str | None:
    """The service whose folder the file lies in, by its registered name."""
    parts = name.split("/")
    packages = {service.package: service.name for service in SERVICES}
    return packages.get(parts[1]) if parts[0] == "services" and len(parts) > 2 else None


def short_files(tree: Tree) -> list[str]:
    found = []
    for name, path in tree.files():
        if path.suffix == ".py":
            lines, size = len(path.read_text().splitlines()), path.stat().st_size
            if lines > FILE_LINES or size > FILE_BYTES:
                found.append(f"{name}: {lines} lines, {size} bytes")
    return found


def short_functions(tree: Tree) -> list[str]:
    return [
        f"{name}:{node.lineno}: {node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines"
        for name, module in tree.python()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]


def service_shape(tree: Tree) -> list[str]:
    found = []
    for service in SERVICES:
        folder = tree.root / "services" / service.package
        entries = {path.name for path in folder.glob("*")} - SKIPPED
        allowed = SHAPE | ALLOWED_BESIDE.get(service.name, set())
        found += [f"services/{service.package}: {name} has no place here" for name in sorted(entries - allowed)]
        found += [f"services/{service.package}: no __init__.py"] * ("__init__.py" not in entries)
        found += [f"services/{service.package}: no api"] * (not entries & {"api.py", "api"})
        found += [f"services/{service.package}: {noun} twice" for noun in FOLDERS if {noun, f"{noun}.py"} <= entries]
    known = {service.package for service in SERVICES} | {"__init__.py", "__main__.py", "wiring.py"} | SKIPPED
    strange = sorted(path.name for path in (tree.root / "services").glob("*") if path.name not in known)
    return found + [f"services/{name}: no service of the registry" for name in strange]


def service_docstrings(tree: Tree) -> list[str]:
    found = []
    for service in SERVICES:
        path = tree.root / "services" / service.package / "__init__.py"
        lines = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines() if path.exists() else []
        if [line.partition(":")[0] for line in lines] != ["In", "Out", "Owns"]:
            found.append(f"services/{service.package}/__init__.py: three lines, In: Out: Owns:")
    return found


def owners(tree: Tree) -> dict[str, str]:
    """Table -> the service (or `journal`) that the comment above its CREATE TABLE names; `nobody` without one."""
    sql = "\n".join(path.read_text() for _, path in tree.files("database/migrations") if path.suffix == ".sql")
    return {table: owner or "nobody" for owner, table in TABLE.findall(sql)}


def owned_tables(tree: Tree) -> list[str]:
    """The comments in the SQL and the registry say the same."""
    said = owners(tree)
    registry = {table: service.name for service in SERVICES for table in service.owns} | dict.fromkeys(
        JOURNALS, "journal"
    )
    return [
        f"{table}: the SQL says {said.get(table, 'no such table')}, the registry {registry.get(table, 'nothing')}"
        for table in sorted(said.keys() | registry.keys())
        if said.get(table) != registry.get(table)
    ]


def _texts_of(module: ast.Module) -> Iterator[str]:
    """Every string of a module; a formatted one with its fixed parts joined."""
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            yield "".join(ast.literal_eval(part) if isinstance(part, ast.Constant) else "?" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _written(module: ast.Module) -> Iterator[str]:
    for text in _texts_of(module):
        yield from WRITE.findall(text)
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            first = node.args[0] if node.args else None
            if node.func.attr in {"copy_records_to_table", "copy_to_table"} and isinstance(first, ast.Constant):
                yield ast.literal_eval(first)


def one_writer(tree: Tree) -> list[str]:
    """A table is written by its owner's folder alone, a journal by shared/journal.py alone."""
    said, found = owners(tree), []
    for below in ("services", "shared", "scripts"):
        for name, module in tree.python(below):
            writer = "journal" if name == "shared/journal.py" else _service_of(name) or name
            tables = sorted({table for table in _written(module) if table in said})
            found += [f"{name}: writes {table}, which is {said[table]}'s" for table in tables if said[table] != writer]
    return found


def _called(module: ast.Module) -> Iterator[tuple[int, str | None]]:
    """Line and name of each service called through `deps.client` or asked for by `url_of`; None for a computed name."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        first, caller, verb = node.args[0], ast.unparse(node.func.value), node.func.attr
        name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
        asks = verb == "url_of" or (verb in {"get", "post", "delete"} and caller.endswith("client"))
        computed = name is None and (verb == "url_of" or caller.endswith("deps.client"))
        if asks and (name in BY_NAME or computed):
            yield node.lineno, name


def allowed_calls(tree: Tree) -> list[str]:
    """A service calls its upstreams only; who has none makes no call at all."""
    found = []
    for name, module in tree.python("services"):
        service = BY_NAME.get(_service_of(name) or "")
        for line, target in _called(module) if service else ():
            assert service is not None
            if target not in service.upstreams and (target or not service.upstreams):
                found.append(
                    f"{name}:{line}: {service.name} calls {target or 'a service'}, which is none of its upstreams"
                )
    return found


def no_cross_imports(tree: Tree) -> list[str]:
    found = []
    for name, module in tree.python("services"):
        own = name.split("/")[1]
        if _service_of(name) is None:
            continue
        for node in ast.walk(module):
            imported = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            foreign = [word for word in imported if word.startswith("services.") and word.split(".")[1] != own]
            found += [f"{name}: imports {word}" for word in foreign]
    return found


def _lines_with(tree: Tree, pattern: re.Pattern[str], suffixes: set[str], what: str) -> list[str]:
    return [
        f"{name}:{number}: {what}"
        for name, text in tree.texts()
        if Path(name).suffix in suffixes
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def nothing_unfinished(tree: Tree) -> list[str]:
    return _lines_with(tree, UNFINISHED, {".py", ".sql", ".sh", ".yml", ".yaml"}, "unfinished")


def no_mocks(tree: Tree) -> list[str]:
    return _lines_with(tree, MOCKS, {".py"}, "a mock")


def no_machine_places(tree: Tree) -> list[str]:
    return _lines_with(tree, PLACES, TEXTS | {""}, "an address or folder of one machine")


def one_time_zone(tree: Tree) -> list[str]:
    found = _lines_with(tree, re.compile(ZONE), {".py"}, f"{ZONE} belongs to {ZONE_HOME}")
    return [line for line in found if not line.startswith(ZONE_HOME)]


def plain_names(tree: Tree) -> list[str]:
    found = []
    for name, module in tree.python():
        words = set(Path(name).stem.replace("risk_manager", "risk").split("_"))
        found += [f"{name}: a file named {word}" for word in sorted(words & BANNED_NAMES)]
        classes = (node.name for node in ast.walk(module) if isinstance(node, ast.ClassDef))
        found += [f"{name}: a class named {one}" for one in classes if one.endswith(BANNED_ENDINGS)]
    return found


def tests_assert(tree: Tree) -> list[str]:
    """Every test says what it expects."""
    found = []
    for name, module in tree.python("tests"):
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                inside = list(ast.walk(node))
                called = {ast.unparse(one.func).rpartition(".")[2] for one in inside if isinstance(one, ast.Call)}
                says = any(word.startswith(("raises", "fail", "assert", "expect")) for word in called)
                if not says and not any(isinstance(one, ast.Assert) for one in inside):
                    found.append(f"{name}:{node.lineno}: {node.name} expects nothing")
    return found


def _is_prose(node: ast.expr) -> bool:
    """A field that holds a sentence for people, by attribute or by key."""
    if isinstance(node, ast.BoolOp):
        return any(_is_prose(one) for one in node.values)
    if isinstance(node, ast.Call):
        named = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        key = node.args[0] if node.args else None
        if named == "get" and isinstance(key, ast.Constant):
            return key.value in PROSE
        return named in ("str", "lower", "upper", "strip") and _is_prose(
            node.args[0] if node.args else node.func.value if isinstance(node.func, ast.Attribute) else node
        )
    if isinstance(node, ast.Attribute):
        return node.attr in PROSE
    key = node.slice if isinstance(node, ast.Subscript) else None
    return isinstance(key, ast.Constant) and key.value in PROSE


def _reads_prose(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in READING and _is_prose(node.func.value):
            return True
        is_pattern = node.func.attr in ("search", "match", "fullmatch", "findall", "finditer")
        return is_pattern and any(_is_prose(one) for one in node.args)
    if not isinstance(node, ast.Compare):
        return False
    for asked, left, right in zip(node.ops, [node.left, *node.comparators], node.comparators, strict=False):
        if isinstance(asked, ast.In | ast.NotIn) and _is_prose(right):
            return True
        words = [one for one in (left, right) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if isinstance(asked, ast.Eq | ast.NotEq) and words and (_is_prose(left) or _is_prose(right)):
            return True
    return False


def facts_in_fields(tree: Tree) -> list[str]:
    """No program reads a sentence that was made for people: what decides is a field of its own."""
    return [
        f"{name}:{node.lineno}: a sentence is read for a fact"
        for part in ("config", "shared", "services", "scripts")
        for name, module in tree.python(part)
        if not name.startswith(VENDOR)
        for node in ast.walk(module)
        if _reads_prose(node) and isinstance(node, ast.expr)
    ]


CHECKS: tuple[Check, ...] = (
    short_files, short_functions, service_shape, service_docstrings, owned_tables, one_writer,
    allowed_calls, no_cross_imports, nothing_unfinished, no_mocks, no_machine_places, one_time_zone, plain_names,
    tests_assert, facts_in_fields,
)  # fmt: skip
