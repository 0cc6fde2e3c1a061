"""Measurements side by side with peers: `make bench`, or `python -m benchmarks start --rounds 50`.

Never part of the tests: a figure depends on the machine, and ratios of one interleaved run are what
can be compared.
"""
