"""What all pages share that people see in a browser: language, headers, who asks, and from where."""
