"""The page of an event for everybody, as the gateway serves it and as files for a CDN: the same bytes."""
