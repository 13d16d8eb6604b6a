"""Measurements; run with `make bench`. Figures belong here and never into a timed test."""
