"""What wxbot answers when it is measured."""
