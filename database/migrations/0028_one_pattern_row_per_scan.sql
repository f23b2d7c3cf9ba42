-- One row for each symbol of a scan, as in technical_indicators and news_sentiment: the first that is stored stands.

-- owner: pattern
DELETE FROM pattern_analysis AS later USING pattern_analysis AS first
WHERE later.cycle_id = first.cycle_id AND later.scan = first.scan AND later.symbol = first.symbol
AND later.id > first.id;
ALTER TABLE pattern_analysis ADD CONSTRAINT pattern_analysis_cycle_id_scan_symbol_key UNIQUE (cycle_id, scan, symbol);
DROP INDEX pattern_analysis_by_scan;
