"""Instruments that watch a loop and its tasks, and change nothing about them."""
