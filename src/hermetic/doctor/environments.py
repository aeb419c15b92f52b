"""Which environment a project runs in, where none lies in it and none is named.

One that is activated where the command is started in the project is. The one of this command is only where something
says so: the project is installed there, it lies in the project, or the project's own runs load hermetic, which is
installed here. Else another project's versions would be taken for this one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hermetic.source.configuration import Configuration
from hermetic.source.requirements import ENVIRONMENTS, SITES, read_loosely
from hermetic.source.sources import Sources

ACTIVATED = ("VIRTUAL_ENV", "CONDA_PREFIX")


def find_environment(
    sources: Sources,
    configuration: Configuration,
    *,
    environ: Mapping[str, str],
    started_in: Path,
    own: Path,
) -> Path | None:
    """Return the environment of a project; None where nothing tells which it is, or it lies where it is looked for.

    Args:
        sources: The project.
        configuration: pytest's settings.
        environ: The variables of this process.
        started_in: Where this command was started.
        own: The environment of this command.
    """
    places = sources.around(configuration.path.parent)
    if any((place / name).is_dir() for place in places for name in ENVIRONMENTS):
        return None
    activated = next((environ[name] for name in ACTIVATED if environ.get(name)), "")
    if activated and started_in.is_relative_to(sources.boundary):
        return Path(activated)
    uses_hermetic = any(key.startswith("hermetic") for key in configuration.values)
    is_own = uses_hermetic or own.is_relative_to(sources.boundary) or _has_installed(own, sources.boundary)
    return own if is_own else None


def _has_installed(environment: Path, project: Path) -> bool:
    """Whether a project is installed in an environment from its folder, or from one in it."""
    origins = (
        found for folder in SITES for found in environment.glob(f"{folder}/*.dist-info/direct_url.json")
    )
    return any(f'"{project.as_uri()}' in read_loosely(origin) for origin in origins)
