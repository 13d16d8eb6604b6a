"""A small shop to try the three journeys with: it plays the site that a bot serves, in `wxbot dev` only.

It knows the bot as any site does: by the HTTP API with a key, by pages and by webhooks.
"""
