"""Every mistake that the tests must notice."""

from tests.mutants.others import OTHER_MUTANTS
from tests.mutants.trading_doubts import DOUBT_MUTANTS
from tests.mutants.trading_orders import ORDER_MUTANTS

MUTANTS = (*ORDER_MUTANTS, *DOUBT_MUTANTS, *OTHER_MUTANTS)
