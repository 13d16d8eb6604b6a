"""Your handlers. These are examples, each in use and tested; change them, or put your own beside them."""
