"""Flags: which transactions are suspicious, why, and the events and operators' alerts that follow.

Doors: `judge` judges a batch of stored transactions, `rules` are the rules.
"""
