"""In: an order that risk approved; what the broker says of orders, fills and holdings; wishes to close.
Out: bracket orders, protection for every filled share, exits, the state of the account's orders and positions.
Owns: orders, executions, corrections, positions."""
