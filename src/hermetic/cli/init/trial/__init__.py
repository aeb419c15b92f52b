"""``hermetic init --try``: build the application that a plan proposes where it can do no harm, and say what came of it.

``subject`` is what is tried, ``words`` says so, ``process`` starts ``keeper``, and that starts ``child``: a process of
its own with the run's environment, whose engines, drivers, sockets and processes are refused (``containment``,
``refusing``). From there an ``outcome`` comes back, which says where the application's engines would go, or why there
is no application (``failing``).
"""

from hermetic.cli.init.trial.process import attempt
from hermetic.cli.init.trial.subject import subject_of
from hermetic.cli.init.trial.words import announced, told

__all__ = ["announced", "attempt", "subject_of", "told"]
