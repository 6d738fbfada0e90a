"""Operators' commands: banks and their keys, links, webhooks, dead letters, the archive, and trials of settings.

Each is `python -m operations.<name>`. docs/operations.md describes them one after the other.
"""
