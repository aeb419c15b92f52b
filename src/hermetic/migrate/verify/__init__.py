"""``hermetic migrate --verify``: run a suite as it is and as it would be, and compare what really ran in each test.

``copying`` makes the folder in which that happens; the user's own is only read. ``interpreter`` finds the Python of the
project, ``process`` runs pytest there, and ``supervisor`` is between the two, so that nothing is left of it whatever
happens. ``pytest_plugin/counting.py`` writes a ``record`` of each run. ``comparison`` tells by two of them which tests
fare worse; ``rounds`` plans anew without those, and runs again. ``report`` says what came of it.
"""
