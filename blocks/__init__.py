"""Typed Prefect blocks: credentials and connections, each with `get_client()`. Secrets live here, never in a file."""
