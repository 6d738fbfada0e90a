"""Webhooks: signed messages to the banks' own systems about the delivery of e-mails.

Doors: `feeder` makes webhooks from the feed of notifications, `sender` delivers them.
"""
