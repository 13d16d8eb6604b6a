"""The HTTP API for the site that the bot serves: `/api/v1/`, behind a key."""
