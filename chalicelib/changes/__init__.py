"""What banks and holders are told of changes: of a holder's record, and of a holder's answer to a security alert.

Doors: `change_teller` and `answer_teller` (the bank's events and webhooks), `change_mailer` (the holder's e-mail).
"""
