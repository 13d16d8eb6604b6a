"""Which function answers which scene: plugins, the registry that mounts them, and the runs of handlers."""
