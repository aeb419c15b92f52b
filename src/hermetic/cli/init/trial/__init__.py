"""``hermetic init --try``: build the application that a plan proposes where it can do no harm, and say what came of it.

``subject`` is what is tried, ``messages`` says so, ``process`` starts ``supervisor``, and that starts ``child``: a
process of its own with the run's environment, whose engines, drivers, sockets and processes are refused
(``containment``, ``sandbox``). From there an ``outcome`` comes back, which says where the application's engines would
go, or why there is no application (``build_failures``).
"""

from hermetic.cli.init.trial.messages import announced, told
from hermetic.cli.init.trial.process import attempt
from hermetic.cli.init.trial.subject import subject_of

__all__ = ["announced", "attempt", "subject_of", "told"]
