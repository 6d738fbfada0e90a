"""The gate of the local cloud: it lets in who has this start's keys, and refuses what AWS refuses.

It stands around the emulator, in the emulator's process, so the emulator has no other door.
`door` is the way in, `rule` is what a rule is, and one module for each service has its rules.
"""
