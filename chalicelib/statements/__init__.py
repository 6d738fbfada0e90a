"""Statements: the weekly and monthly e-mails that list an account's transactions.

Doors: `index` keeps when each holder's next statement is due, `job` sends the statements that are due.
"""
