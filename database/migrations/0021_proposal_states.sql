-- A proposal is decided once: it is taken (approving) before anything is sent, and what may have been sent is settled
-- from trading's orders by the decision that is stored here before it is sent.
ALTER TABLE proposals DROP CONSTRAINT proposals_status_check;
ALTER TABLE proposals ADD CONSTRAINT proposals_status_check
    CHECK (status IN ('pending', 'approving', 'unknown', 'approved', 'rejected', 'expired', 'refused'));
ALTER TABLE proposals
    -- USD lost at the stop, as the person was shown it.
    ADD COLUMN risk_amount         numeric(14, 2) CHECK (risk_amount >= 0),
    ADD COLUMN reason_code         text,
    -- Which of risk's checks refused the approval.
    ADD COLUMN refused_check       text,
    -- How often an approval has taken it: the attempt at a decision follows from it.
    ADD COLUMN attempts            integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- The order of the approval, stored before it is sent.
    ADD COLUMN decision_id         uuid UNIQUE,
    ADD COLUMN client_order_id     text UNIQUE,
    ADD COLUMN approved_quantity   integer CHECK (approved_quantity BETWEEN 1 AND quantity),
    ADD COLUMN approval_expires_at timestamptz,
    ADD CHECK ((decision_id IS NULL) = (client_order_id IS NULL)
           AND (decision_id IS NULL) = (approved_quantity IS NULL)
           AND (decision_id IS NULL) = (approval_expires_at IS NULL)),
    ADD CHECK (status <> 'unknown' OR decision_id IS NOT NULL);
DROP INDEX one_pending_proposal_per_symbol;
CREATE UNIQUE INDEX one_undecided_proposal_per_symbol ON proposals (symbol)
    WHERE status IN ('pending', 'approving', 'unknown');
