"""The tree keeps the rules of the house."""

from pathlib import Path

import pytest

from tests.house_rules import CHECKS, Check, Tree
from tests.house_rules_runtime import RUNTIME_CHECKS
from tests.house_rules_settings import SETTINGS_CHECKS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("check", [*CHECKS, *RUNTIME_CHECKS, *SETTINGS_CHECKS], ids=lambda check: check.__name__)
def test_the_tree_is_tidy(check: Check) -> None:
    assert check(Tree(ROOT)) == []
