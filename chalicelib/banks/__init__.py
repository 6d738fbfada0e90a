"""Banks: their API keys, settings and thresholds, the endpoints of their webhooks, and the signatures of requests.

Doors: `bank` is the tenant and its API keys, `settings` is what a bank chooses.
"""
