"""Pictures of every kind of e-mail: `make gallery` takes them, docs/emails.md shows them."""
