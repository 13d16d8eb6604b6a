"""wxbot answers the scanned codes of a WeChat Official Account."""
