"""In: the operator's start, cron's bare lines, requested scans (the journal), each stage's opinion over HTTP.
Out: scans down the funnel, orders to trading or proposals to a person, explanations, alarms when it is too quiet.
Owns: trading_cycles, scans, proposals.
"""
