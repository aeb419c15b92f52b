"""``hermetic migrate``: turn a project's synchronous tests into asynchronous ones, or show what that would change.

Every command loads ``parser``; ``command``, and what it reads a project with, is loaded when it is asked for.
"""
