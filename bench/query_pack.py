"""What each ready-made query costs where there are many pods.

    python -m bench.query_pack --pods 200000

The rows are made in PostgreSQL itself: running pods with specs of 4 kB, 20 to a ReplicaSet, two ReplicaSets to a
Deployment, and of what they use (ConfigMaps, Secrets, ServiceAccounts, claims, Services, rights) as much as goes with
them.
One workload in a hundred has each fault that the queries look for.
"""

from __future__ import annotations
