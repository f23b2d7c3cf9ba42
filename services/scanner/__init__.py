"""In: assets, snapshots and daily bars of the whole market, headlines of a few; ScanRequest; ScoreUpdates.
Out: ScanAnswer (candidates, best first), what became of every symbol, counts by reason.
Owns: securities, sectors, scan_results, scan_coverage.
"""
