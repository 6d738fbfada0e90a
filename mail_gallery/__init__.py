"""What every kind of e-mail looks like: `make gallery`. docs/emails.md shows the pictures."""
