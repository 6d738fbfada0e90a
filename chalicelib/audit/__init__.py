"""The audit trail: who changed what of which bank's data, and when. It can only be added to.

Doors: `trail` adds to it, `repository` reads it, `entry` is one line of it.
"""
