"""Analytics: each bank's and account's totals a day, kept by a scheduled job and read by the API.

Doors: `job` writes the roll-ups, `reader` answers from them, `reconciliation` recounts a day.
"""
