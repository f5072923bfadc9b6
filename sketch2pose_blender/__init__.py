"""Sketch2Pose for Blender: poses an SMPL armature from a drawing."""

from __future__ import annotations

from . import ui


def register() -> None:
    """Called by Blender when the extension is switched on."""
    ui.register(str(__package__))


def unregister() -> None:
    """Called by Blender when the extension is switched off."""
    ui.unregister()
