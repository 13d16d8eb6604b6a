"""What people see in a browser: the images of living codes, and the page of one code."""
