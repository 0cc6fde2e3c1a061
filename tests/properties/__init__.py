"""What must hold whatever happens, in whatever order: found out by hypothesis."""
