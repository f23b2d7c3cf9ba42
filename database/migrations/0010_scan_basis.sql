-- What a scan rested on besides the prices: the sessions behind its volume curve, what that curve expected of each band
-- by then, and what was asked of the news. NULL for scans from before this column.

-- owner: scanner
ALTER TABLE scan_coverage ADD COLUMN basis jsonb;

-- Why a name is here although a rule would have dropped it; NULL for all others.
ALTER TABLE scan_results ADD COLUMN remark text;
