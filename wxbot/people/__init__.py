"""People's data: what goes when they leave, what an operator has forgotten, and what is kept about one."""
