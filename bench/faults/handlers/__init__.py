"""The handlers of a bot under fault: every reply is one of a kind, so that a second run shows."""
