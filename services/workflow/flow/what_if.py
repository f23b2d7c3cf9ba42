"""What the last scans would have done under a candidate configuration. Nothing that was decided is touched."""

from config.reload import ConfigFileError, build, changes_between
from services.workflow import store
from services.workflow.flow.cycling import proposals_by_now
from services.workflow.rules import limits
from services.workflow.rules.what_if import compare
from services.workflow.rules.what_if.replay_funnel import descend, past_of
from shared.deps import Deps
from shared.domain.cycle import Rejudged, WhatIfRequest
from shared.errors import BadInput

WHAT_IF = "/api/v1/risk/config/try"


async def try_files(deps: Deps, request: compare.TrialRequest) -> compare.Trials:
    """The newest scans, each as it went and as it would have gone.

    Raises BadInput with the line of a file that cannot be used, Unavailable without risk.
    """
    try:
        candidate = build(request.files, deps.settings)
    except ConfigFileError as error:
        raise BadInput(str(error), field="files") from error
    present, sizes = deps.config.current(), candidate.trading.funnel
    attempts = []
    for view, trace in await store.completed_scans(deps.pool, request.scans):
        if (cycle := await store.cycle(deps.pool, view.cycle_id)) is None:
            continue
        candidates = await store.candidates(deps.pool, view.cycle_id, view.scan)
        past = past_of(cycle, view, trace, candidates, await proposals_by_now(deps, view.cycle_id))
        attempts.append(compare.attempt(past, descend(past, sizes), candidate, present))
    asked = WhatIfRequest(files=request.files, scans=tuple(one.asked for one in attempts))
    verdicts = await deps.client.post("risk-manager", WHAT_IF, asked, tuple[tuple[Rejudged, ...], ...], repeatable=True)
    top_n, changes = limits.execute_top_n(candidate, deps.settings), changes_between(present, candidate)
    return compare.Trials(
        hash=candidate.hash,
        changes=changes,
        warnings=candidate.warnings,
        not_replayed=compare.not_replayed(changes),
        notes=compare.NOTES,
        scans=tuple(
            compare.trial_of(one, answers, sizes.risk, top_n) for one, answers in zip(attempts, verdicts, strict=True)
        ),
    )
