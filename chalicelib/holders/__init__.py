"""Account holders: their records, addresses and suppression, preferences, links, and how they read dates and money.

Doors: `holder` is the record, `enrolment` writes it, `preferences` decides which e-mails a holder gets.
"""
