"""What a template's contents depend on."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path

from hermetic.database.schema import fingerprint


def test_a_function_with_some_arguments_given(package: Path) -> None:
    """Depends on what the function itself does: its module, and the project's that it uses."""
    (package / "models_p.py").write_text("NAME = 'ada'\n")
    (package / "seeds_p.py").write_text("import models_p\n\n\ndef seed(session, count):\n    ...\n")
    seed = importlib.import_module("seeds_p").seed
    texts = list(fingerprint.of_function(partial(partial(seed, count=2)), package))
    assert texts == list(fingerprint.of_function(seed, package))
    assert texts[0] == "seeds_p:seed"
    assert {"models_p.py", "seeds_p.py"} <= set(texts)
