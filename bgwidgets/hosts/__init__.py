"""Where background loops run. All hosts keep the one contract of `protocol.py`."""
