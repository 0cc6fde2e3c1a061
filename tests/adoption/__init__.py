"""Loops that were started elsewhere: found, adopted, commanded, cleaned up after."""
