"""What every stage of the funnel asks before it answers."""

from datetime import timedelta

from shared.deps import Deps
from shared.domain.evidence import AssessRequest
from shared.errors import BadInput, NotFound

CLOCKS_DIFFER = timedelta(seconds=60)


async def expect_askable(deps: Deps, request: AssessRequest) -> None:
    """Raises BadInput for a moment to come, NotFound for a scan that workflow has not opened."""
    if request.as_of > await deps.clock.now() + CLOCKS_DIFFER:
        raise BadInput("as_of lies in the future", field="as_of")
    opened = "SELECT EXISTS (SELECT FROM scans WHERE cycle_id = $1 AND scan = $2)"
    if request.scan is not None and not await deps.pool.fetchval(opened, request.cycle_id, request.scan):
        raise NotFound(f"no scan {request.scan} in cycle {request.cycle_id}", field="scan")
