-- A critical alert is sent again until a person has acknowledged it, or until its condition is over.

-- owner: risk-manager
CREATE TABLE alert_acknowledgements (
    alert_id        bigint PRIMARY KEY REFERENCES alerts (alert_id),
    acknowledged_by text NOT NULL CHECK (length(acknowledged_by) > 0),
    note            text NOT NULL DEFAULT '',
    acknowledged_at timestamptz NOT NULL
);

-- How often an alert was sent this way, and when first, by the database's own clock.
ALTER TABLE alert_deliveries ADD COLUMN pages integer NOT NULL DEFAULT 0 CHECK (pages >= 0);
ALTER TABLE alert_deliveries ADD COLUMN first_sent_at timestamptz;
UPDATE alert_deliveries SET pages = 1, first_sent_at = delivered_at WHERE state = 'sent';

-- What was raised before there were acknowledgements calls nobody again.
INSERT INTO alert_acknowledgements (alert_id, acknowledged_by, note, acknowledged_at)
SELECT alert_id, 'migration', 'raised before alerts were acknowledged', occurred_at FROM alerts
WHERE severity = 'critical';

CREATE INDEX alerts_critical ON alerts (alert_id) WHERE severity = 'critical';
