"""Measurements: ``make bench`` runs all of them, ``python -m benchmarks.suite`` (and the like) one.

Never part of the tests: a figure depends on the machine and on what else it does. Every comparison is therefore made
within one run, its sides interleaved, and the raw figures are kept in ``results/``.
"""
