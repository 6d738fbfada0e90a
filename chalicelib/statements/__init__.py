"""Statements: the weekly and monthly e-mails that list an account's transactions.

Door: `job` sends the statements that are due by `index`.
"""
