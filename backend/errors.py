"""The failures that a person is told about. Each message is one sentence: what happened, what to do."""

from __future__ import annotations


class SketchPoseError(Exception):
    """Base of every error whose text may be shown to the user as it is."""


class InputError(SketchPoseError):
    """A sketch, body file or option that the user gave cannot be used."""


class InstallError(SketchPoseError):
    """A part of the installation (weights, body, runtime) is missing or damaged."""


def unopened(error: Exception) -> InputError:
    """What is said of a file that the system does not open."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return InputError(f"The file cannot be opened ({reason}); check its path and rights.")
