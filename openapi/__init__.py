"""The API's OpenAPI 3.1 description, made from the app's own schemas, errors and limits by `make openapi`.

Door: `description` puts it together.
"""
