"""``hermetic doctor``: say what is broken in a project's tests, from its files alone.

Every command loads ``parser``; ``command``, and what it reads a project with, is loaded when it is asked for.
"""
