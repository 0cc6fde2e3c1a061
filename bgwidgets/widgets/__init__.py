"""The faces: what shows loops and tasks in a notebook, and takes what is asked for there."""
