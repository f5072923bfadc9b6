"""The pose program as the preferences have it: submit a drawing, end the program.

``submit`` gives a :class:`..core.client.PoseJob`; that module's text says how to follow it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from . import preferences

if TYPE_CHECKING:
    from ..core.boundary import Box
    from ..core.client import LocalServer, PoseJob

_client_module = f"{__name__.rsplit('.', 2)[0]}.core.client"


def server(context: bpy.types.Context) -> LocalServer:
    """How the pose program is started, by the preferences.

    Raises:
        InstallError: this machine is not one that the extension's packages run on, or PyTorch is chosen and
            not installed.
    """
    from ..core import machine
    from ..core.boundary import InstallError
    from ..core.client import LocalServer

    if obstacle := machine.obstacle():
        raise InstallError(obstacle)
    body, engine, device = preferences.body_file(context), *preferences.engine(context)
    if engine != "torch":
        return LocalServer(body, tuple(wheel_folders()), engine, device)
    from . import torch_engine

    torch = torch_engine.environment()
    if torch.state != "ready":
        raise InstallError(
            "PyTorch is not installed; install it in the extension's preferences, or choose another engine."
        )
    # It has packages of its own: Blender's may be for another Python.
    return LocalServer(body, (), engine, device, torch.python)


def submit(
    context: bpy.types.Context,
    image: bytes | Path,
    *,
    name: str = "",
    figures: int | None = 1,
    box: Box | None = None,
    hypotheses: int | None = None,
) -> PoseJob:
    """Start posing a drawing; the arguments are those of :meth:`..core.client.PoseClient.submit`."""
    from ..core.client import client_of

    return client_of(server(context)).submit(
        image, name=name, figures=figures, box=box, hypotheses=hypotheses
    )


def shut_down() -> None:
    """End the pose program, if it runs."""
    client = sys.modules.get(_client_module)
    if client is not None:
        client.shut_down()


def wheel_folders() -> list[Path]:
    """Where Blender has unpacked the packages (wheels) that come with extensions."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(bpy.utils.user_resource("EXTENSIONS"), ".local", "lib", version, "site-packages")
    return [folder] if folder.is_dir() else []
