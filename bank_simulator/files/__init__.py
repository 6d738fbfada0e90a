"""The files that banks have: CSV in the contract's fields, MT940, and CAMT XML, read as transactions of the API."""
