"""What lives in IPython's world: its background jobs, repaired."""
