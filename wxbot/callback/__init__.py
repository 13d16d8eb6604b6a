"""The HTTP side of WeChat's callbacks."""
