"""python -m tests.cluster: builds and downloads, once, what the tests' clusters need, so that no test waits for it."""

from tests.cluster.binary import SOURCES, find_programs
from tests.cluster.operators import OPERATORS, download

for version in SOURCES:
    find_programs(version)
for operator in OPERATORS:
    download(operator)
