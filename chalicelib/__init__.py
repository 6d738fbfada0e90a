"""The transaction notifier's logic. `app.py` is its table of contents."""
