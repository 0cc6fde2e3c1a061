"""What the work on a loop shows of itself: how far it is, and what it has found."""
