import logging

logger = logging.getLogger(__name__)


def note(name):
    logger.warning("there is nobody of the name %s", name)
