"""READ: one cluster: contexts, sessions, discovery, paged lists, error classes."""
