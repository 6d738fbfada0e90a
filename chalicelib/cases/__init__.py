"""Cases: what a bank's staff does about flagged transactions, and what the holders say of them.

Door: `opener` opens them.
"""
