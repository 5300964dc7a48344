"""The logger of hooks: from warnings on, what they say is shown to the user."""

import logging

from logging import CRITICAL, DEBUG, ERROR, FATAL, INFO, WARN, WARNING, getLogger

__all__ = ["CRITICAL", "DEBUG", "ERROR", "FATAL", "INFO", "WARN", "WARNING", "getLogger", "logger"]

logger = logging.getLogger("PyInstaller")
logger.propagate = False
