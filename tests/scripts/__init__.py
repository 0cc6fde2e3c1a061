"""The package in plain Python scripts and processes, without any Jupyter."""
