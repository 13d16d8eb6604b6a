"""A believable year of an account, made up: to try wxbot with, and to measure it."""
