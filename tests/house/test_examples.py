"""How hard properties are tried is said once, in the profiles of tests/conftest.py; no test has a number of its own."""

import re
from pathlib import Path

import pytest
from hypothesis import settings

from tests.test_tidy import ROOT

NUMBER = "_".join(("max", "examples"))
OWN_NUMBER = re.compile(rf"\b{NUMBER}\s*=")


def own_numbers(tests: Path) -> list[str]:
    """Lines of tests that say how many examples they want."""
    return [
        f"{path.relative_to(tests)}:{number}"
        for path in sorted(tests.rglob("*.py"))
        if path != tests / "conftest.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if OWN_NUMBER.search(line)
    ]


def test_no_test_has_a_number_of_examples_of_its_own() -> None:
    assert own_numbers(ROOT / "tests") == []


def test_a_number_of_its_own_is_found(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(f"settings.register_profile('ci', {NUMBER}=40)\n")
    (tmp_path / "test_one.py").write_text(f"@given(x)\n@settings({NUMBER}=300)\ndef test() -> None: ...\n")
    assert own_numbers(tmp_path) == ["test_one.py:2"]


@pytest.mark.parametrize(("profile", "examples"), [("quick", 10), ("ci", 40), ("thorough", 300)])
def test_the_profiles(profile: str, examples: int) -> None:
    assert getattr(settings.get_profile(profile), NUMBER) == examples
    assert settings.get_profile(profile).deadline is None
