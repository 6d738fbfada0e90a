"""The ledger: what a transaction is, how it is stored exactly once, queued and archived.

Doors: `transaction` is the record, `intake` the one way in, `repository` the table.
"""
