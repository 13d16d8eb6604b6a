"""Webhooks: the deployer's site is told what happens, signed, surely, and nowhere else."""
