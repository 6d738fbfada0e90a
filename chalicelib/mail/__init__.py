"""E-mails: their words, templates and rendering, the pace at which they go out, and SES.

Doors: `transaction_mail` and `statement_mail` render, `ses` sends, `sender` reads a sender. Only the mailers import
this package, but for `sender`, by which provisioning and commands check what operators write.
"""
