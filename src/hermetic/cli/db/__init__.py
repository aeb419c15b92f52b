"""``hermetic db``: look at what test runs keep, serve it to psql or a GUI, and clean it away.

``project`` finds whose databases are meant, as pytest would; ``survey`` lists them, ``serving`` starts and stops; what
there is, is the backends' to know.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from hermetic.cli.lines import say


def run(options: argparse.Namespace) -> int:
    """Do what was asked.

    Args:
        options: What the parser read.

    Returns:
        The exit code.

    Raises:
        ConfigurationError: The configuration is wrong, or there is no such server.
    """
    from hermetic.cli.db.project import read_project
    from hermetic.database.backend import every_backend

    for backend in every_backend():
        backend.put_aside(os.environ)
    project = read_project(Path(options.directory))
    if options.action == "list":
        from hermetic.cli.db.survey import as_json, as_text, survey, talk

        found = survey(project)
        say(as_json(found) if options.format == "json" else as_text(found), sys.stdout)
        say(talk(found), sys.stderr)
        return 0
    if options.action == "clean":
        removed = [
            what
            for backend in reversed(every_backend())
            for what in backend.clean(project, everything=options.all, dry_run=options.dry_run)
        ]
        say([f"{'would remove' if options.dry_run else 'removed'} {what}" for what in removed], sys.stdout)
        say([] if removed else ["nothing to clean"], sys.stderr)
        return 0
    from hermetic.cli.db import serving

    if options.action == "stop":
        ended = serving.stop(project)
        say([f"ended {server.home}" for server in ended], sys.stdout)
        say([] if ended else ["no server was left running"], sys.stderr)
        return 0
    if options.detach:
        return serving.detach(project, options.port)
    return serving.start(project, options.port, detached=options.detached)
