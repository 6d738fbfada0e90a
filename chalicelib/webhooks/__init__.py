"""Webhooks: signed messages to banks' own systems about the delivery of e-mails.

Doors: `feeder` makes them from the feed of notifications, `sender` posts them.
"""
