"""Has the world changed since commissioning? Counts of what answers are about, and sequential tests on them.

Imports `common`, `imaging` and `inference`. Nothing here knows a picture, a patient or a file's name: what is kept are
counts by hour, statistic and bin. docs/watch.md tells what the tests promise.
"""
