"""The local cloud: an AWS emulator with the deployed app, the inbox that shows its e-mails, and `make run`'s demo.

A developer's tool, never deployed. `python -m local_cloud --help` lists its commands.
"""
