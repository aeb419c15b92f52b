"""What is broken in a project's tests, told from its files: exact rules that know the versions it runs.

A rule is one function over the source model (``subject``) and one row of the table (``rules``). It speaks where the
code fails, or passes for the wrong reason, with the versions that the project has (``versions``); where those are not
known it is silent, and the report says so once. What may be fine is not told: a linter of guesses is switched off
in a week.
"""
