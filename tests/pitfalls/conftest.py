"""The projects below are run by a pytest of their own; none of their tests is one of ours."""

collect_ignore = ["bases", "cases", "healthy"]
