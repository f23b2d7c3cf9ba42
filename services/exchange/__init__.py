"""In: a tape (one recorded or generated market day), orders in Alpaca's protocols, and orders to the clock (/_sim).
Out: Alpaca's REST and WebSocket answers, never showing anything later than the clock.
Owns: no table; the journal of accepted commands and the clock's place, both plain files.
"""
