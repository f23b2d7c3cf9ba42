"""In: scored candidates, best first; what the account holds, what it lost today, what the market costs now.
Out: one verdict for each candidate with every check; the emergency stop; mail for every alert.
Owns: risk_decisions, risk_events, halts, alert_deliveries.
"""
