"""What stored decisions would have been under other files. Nothing is written."""

from config.reload import ConfigFileError, build
from services.risk_manager import store
from services.risk_manager.rules.book import limits_of
from services.risk_manager.rules.what_if import rejudged
from shared.deps import Deps
from shared.domain.cycle import Rejudged, WhatIfRequest
from shared.errors import BadInput


async def what_if(deps: Deps, request: WhatIfRequest) -> tuple[tuple[Rejudged, ...], ...]:
    """Both verdicts for each scan's candidates; one that was never judged is left out. Raises BadInput with the line of
    a file that cannot be used.
    """
    try:
        config = build(request.files, deps.settings)
    except ConfigFileError as error:
        raise BadInput(str(error), field="files") from error
    answers = []
    for asked in request.scans:
        rows = await store.decisions_of_scan(deps.pool, asked.cycle_id, asked.scan)
        limits = limits_of(config, asked.max_positions, asked.max_daily_loss_usd)
        answers.append(rejudged(asked, rows, limits))
    return tuple(answers)
