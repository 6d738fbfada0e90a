"""How the service calls AWS: clients, retries, DynamoDB's wire form, queues, secrets, logs and metrics.

Doors: `clients` makes clients, `calls` calls them, `dynamo` reads and writes items, `queues` sends messages.
"""
