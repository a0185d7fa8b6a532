"""Random histories of a cluster and of the syncs of it, by seed, on real servers.

Each step changes the cluster, or syncs it while something goes wrong; after each one the invariants hold
(`invariants`), or the history fails with its seed and its steps.
"""
