"""Channels: named places where codes hang, what they say, whom they bring, and who promotes them."""
