"""Objects of every kind as odd as the API server takes them, by their seeds: what of them is not stored as it is?

`python -m tests.odd_objects --seeds 0:10000` tries as many as you like; tests/integration/test_objects_by_seed.py
some hundreds.
"""
