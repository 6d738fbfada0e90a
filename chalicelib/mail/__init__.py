"""E-mails: their words, templates and rendering, the pace at which they go out, and SES.

Doors: `transaction_mail` and `statement_mail` render, `ses` sends. Only the mailers import this package.
"""
