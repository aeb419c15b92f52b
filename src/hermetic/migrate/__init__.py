"""Turn a suite that tests an application through a synchronous client into an asynchronous one.

``text`` changes a file and leaves the rest of it as it is; ``step`` is what one kind of rewrite makes of a project;
``steps`` holds them, in the order in which they run.
"""
