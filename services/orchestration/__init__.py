"""In: questions about the whole system, from people and programs.
Out: the health of every service in one answer.
Owns: no table; it only reads and forwards.
"""
