"""Whether this bot lives, whether it can answer scans, and what it tells Prometheus."""
