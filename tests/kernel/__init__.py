"""Background loops in a real kernel, without a browser."""
