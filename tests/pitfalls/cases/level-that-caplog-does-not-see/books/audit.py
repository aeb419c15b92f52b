import logging

logger = logging.getLogger(__name__)


def note(name):
    logger.info("there is nobody of the name %s", name)
