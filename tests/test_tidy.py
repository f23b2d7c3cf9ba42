"""The tree keeps the rules of the house."""

from pathlib import Path

import pytest

from tests.house.offenders import OFFENDERS
from tests.house.settings import SETTINGS_CHECKS
from tests.house.shape import SHAPE_CHECKS
from tests.house_rules import CHECKS, Check, Tree
from tests.house_rules_runtime import RUNTIME_CHECKS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("check", [*CHECKS, *RUNTIME_CHECKS, *SETTINGS_CHECKS], ids=lambda check: check.__name__)
def test_the_tree_is_tidy(check: Check) -> None:
    assert check(Tree(ROOT)) == []


@pytest.mark.parametrize("check", SHAPE_CHECKS, ids=lambda check: check.__name__)
def test_the_list_of_offenders_only_shrinks(check: Check) -> None:
    found, listed = set(check(Tree(ROOT))), OFFENDERS[check.__name__]
    assert found <= listed, "new ones: mend them, the list does not grow"
    assert found == listed, "mended ones: take them out of tests/house/offenders.py"
