"""Random faults of kubeconfigs: none may leak a secret, raise what is none of our errors, or be without words.

A seed makes a kubeconfig with a secret in each place that may hold one (`mutations`), which is then read as people read
theirs (`trial`). `python -m tests.kubeconfigs` runs many.
"""
