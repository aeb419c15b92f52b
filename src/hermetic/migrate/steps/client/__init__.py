"""Tests that use Starlette's ``TestClient`` await hermetic's ``AsyncTestClient``.

``values`` finds what is a client, or comes of one (``kinds``, ``names``). ``uses`` sees what is done with it,
``colours`` which functions become async for that, ``plan`` which tests are converted and which stay. ``rewriting``,
``definitions``, ``imports`` and ``runners`` make the edits of a file, which ``editing`` collects, for ``conversion``.
"""

from hermetic.migrate.steps.client.conversion import CLIENT

__all__ = ["CLIENT"]
