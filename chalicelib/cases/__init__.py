"""Cases: what a bank's staff does about flagged transactions, and what the holders say of them.

Doors: `desk` is where staff works on cases, `opener` opens them.
"""
