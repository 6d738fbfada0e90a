"""Banks: their keys, their settings and thresholds, the endpoints of their webhooks, their signatures.

Doors: `bank` is the tenant and its API key, `settings` what a bank chooses.
"""
