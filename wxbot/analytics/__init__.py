"""What codes bring: facts taken from events, counters kept from facts, and the figures read from them."""
