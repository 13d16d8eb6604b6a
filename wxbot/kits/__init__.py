"""What a scan is for: plugins that come with wxbot, and their pages."""
