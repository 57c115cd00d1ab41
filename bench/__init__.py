"""Measures Spil on this machine: `python -m bench`. Every figure it prints comes from that one run."""
