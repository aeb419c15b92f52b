"""Tests that use Starlette's ``TestClient`` await hermetic's ``AsyncTestClient``.

What is a client, or comes of one, is told by ``values``: a fix-point over what ``expressions`` are, and over the
``results`` of what they give (``kinds``, ``names``, ``suite_facts``). ``reading`` sees what is done with each
(``call_uses``, ``recording``, ``uses``), ``async_functions`` which functions become async for that, ``plan`` which
tests are converted and which stay, and what is there twice (``copies``). ``rewriting``, ``definitions``, ``imported``
and ``runners`` make the edits of a file, which ``editing`` collects, for ``conversion``.
"""

from hermetic.migrate.steps.client.conversion import CLIENT

__all__ = ["CLIENT"]
