"""The banks' staff: who is signed in, for which bank, and in which groups.

Doors: `member` is a member who is signed in, `tokens` reads one from an ID token, `pool` is the user pool's addresses.
"""
