"""The handle and the manager, as a user meets them."""
