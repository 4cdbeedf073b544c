"""The HTTP front: webhooks, the booths' tills and workers, staff pages, health and metrics."""
