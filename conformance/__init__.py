"""Other projects' own tests, run against hermetic's client: ``python -m conformance``, or ``make conformance``."""
