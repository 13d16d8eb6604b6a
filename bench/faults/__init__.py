"""Harnesses for faults: a bot of several processes, a platform that pushes to it, an oracle."""
