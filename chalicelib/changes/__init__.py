"""What is told of a change of a holder's record: security alerts that ended, and an address that changed.

Doors: `change_teller` (the bank's events and webhooks), `change_mailer` (the holder's e-mail).
"""
