"""Whether everything that a bot needs is there and as it should be; who asks decides how it is shown."""
