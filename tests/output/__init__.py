"""What loops write, where it goes, and how it is kept."""
