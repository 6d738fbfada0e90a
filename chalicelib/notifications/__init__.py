"""Notifications: from a stored transaction to each holder's e-mail and its delivery status.

Doors: `stream` reads the table's stream, `mailer` sends, `log` keeps who was notified, `feed` lists changes for banks.
"""
