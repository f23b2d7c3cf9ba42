"""The rules of the house about switches: what can be set is read, what can be numbered is numbered."""

import ast
import re
from collections.abc import Iterator

from tests.house_rules import Check, Tree

CODE = ("config", "shared", "services", "database", "scripts")
DECLARED = {"config/trading.py": "Part", "config/services.py": "", "config/settings.py": "BaseSettings"}
"""Where switches are declared, and the base of the classes that hold them; "": every class."""
NUMBER = re.compile(r"^(\d{4})_")
RESULTS = {"HeldLimit", "Config"}
"""What the files come to, told by routes as it is."""
UNUSED = frozenset({5, 7, 9, 12, 14, 15, 16, 22, 24, 25, 27, 29, 30})
"""Numbers of migrations that were never written: each was set aside for work that came to need no change of the
schema, while others were under way beside it. They stay free, so that no two databases mean different things by one.
"""


def _fields(module: ast.Module, base: str) -> Iterator[tuple[int, str]]:
    """Annotated names of the classes that hold switches."""
    for one in module.body:
        if (
            not isinstance(one, ast.ClassDef)
            or one.name in RESULTS
            or not (not base or any(ast.unparse(b) == base for b in one.bases))
        ):
            continue
        for statement in one.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                yield statement.lineno, statement.target.id


def _used(tree: Tree) -> set[str]:
    """Names that are read as attributes anywhere, or that a validator refuses values of."""
    found = set[str]()
    for below in (*CODE, "tests"):
        for name, module in tree.python(below):
            if below == "tests" and not name.startswith("tests/house_rules"):
                continue  # the registry is there for the rules of the house, too; a test's reading changes nothing
            for node in ast.walk(module):
                if isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, ast.Call) and ast.unparse(node.func) == "field_validator":
                    found |= {str(one.value) for one in node.args if isinstance(one, ast.Constant)}
    return found


def every_setting_is_read(tree: Tree) -> list[str]:
    """A key of the files, an environment variable or a field of the registry that nobody reads changes nothing, and
    whoever sets it believes that it does. One that admits a single value says so by its type.
    """
    used, found = _used(tree), []
    for name, module in tree.python("config"):
        for line, field in _fields(module, DECLARED[name]) if name in DECLARED else ():
            if field not in used and not _admits_one_value(module, line):
                found.append(f"{name}:{line}: {field} is read by nobody")
    return found


def _admits_one_value(module: ast.Module, line: int) -> bool:
    for node in ast.walk(module):
        if isinstance(node, ast.AnnAssign) and node.lineno == line and isinstance(node.annotation, ast.Subscript):
            inner = node.annotation.slice
            return ast.unparse(node.annotation.value) == "Literal" and not isinstance(inner, ast.Tuple)
    return False


def numbered_migrations(tree: Tree) -> list[str]:
    """Each number once, none missing but those that are said to be."""
    numbers = [
        int(found[1])
        for name, _ in tree.files("database/migrations")
        if (found := NUMBER.match(name.rpartition("/")[2]))
    ]
    twice = {number for number in numbers if numbers.count(number) > 1}
    gaps = set(range(1, max(numbers) + 1)) - set(numbers) if numbers else set[int]()
    return [
        *(f"migration {number:04} is there twice" for number in sorted(twice)),
        *(f"migration {number:04} is missing, and UNUSED does not say why" for number in sorted(gaps - UNUSED)),
        *(
            f"migration {number:04} is there, and UNUSED says that it is not"
            for number in sorted(UNUSED & set(numbers))
        ),
    ]


SETTINGS_CHECKS: tuple[Check, ...] = (every_setting_is_read, numbered_migrations)
