"""Activity: how many e-mails, alerts, answers and webhooks each bank had in each hour, and how long e-mails took.

Doors: `recorder` counts what a function has done, `reader` returns a bank's hours.
"""
