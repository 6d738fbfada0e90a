"""Account holders: their records, addresses and suppression, preferences, links, and conventions for dates and money.

Doors: `holder` is the record, `enrolment` writes it, `preferences` decides which e-mails a holder gets.
"""
