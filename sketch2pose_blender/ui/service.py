"""The pose program as the preferences have it: submit a drawing, end the program.

``submit`` gives a :class:`..core.client.PoseJob`; that module's text says how to follow it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from . import preferences

if TYPE_CHECKING:
    from ..core.boundary import Box
    from ..core.client import LocalServer, PoseJob
    from ..core.pasted import Pasted

_root = __name__.rsplit(".", 2)[0]
_client_module = f"{_root}.core.client"
#: What the first drawing needs of Python and of us, in pieces of about equal length.
_PIECES = ("json", "socket", "subprocess", f"{_root}.core.boundary", _client_module, f"{_root}.core.machine")
#: Seconds between two pieces.
_PAUSE = 0.05


def server(context: bpy.types.Context) -> LocalServer:
    """How the pose program is started, by the preferences.

    Raises:
        InstallError: this machine is not one that the extension's packages run on, or PyTorch is chosen and
            not installed.
        InputError: the server's address cannot be used, has no token, or Blender is to stay offline.
    """
    from ..core import machine
    from ..core.boundary import InputError, InstallError, is_this_machine, read_address
    from ..core.client import LocalServer

    if obstacle := machine.obstacle():
        raise InstallError(obstacle)
    address, token, certificate = preferences.server(context)
    if address:
        _, host, _, _ = read_address(address)
        if not is_this_machine(host) and not bpy.app.online_access:
            raise InputError(
                f"The server {host} is on the network; allow Online Access in the preferences (System, Network)."
            )
        if not token:
            raise InputError(f"The server {host} wants a token; give the one that it was started with.")
        folders = tuple(wheel_folders())
        return LocalServer(None, folders, relay=address, relay_token=token, relay_certificate=certificate)
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
    image: bytes | Path | Pasted,
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


def warm_up() -> None:
    """See to it that the first drawing is submitted as quickly as the others: called when the panel is drawn.

    What it needs takes 40 ms to load, and twice as long the first time after installing. A timer loads it
    piece by piece, so that nobody notices.
    """
    if _client_module not in sys.modules and not bpy.app.timers.is_registered(load_a_piece):
        bpy.app.timers.register(load_a_piece, first_interval=_PAUSE)


def load_a_piece(pieces: Sequence[str] = _PIECES) -> float | None:
    """Blender's timer: load what is missing first of the modules that a first drawing needs, or of others.

    Returns:
        When to come again, seconds; None where none is missing.
    """
    missing = next((name for name in pieces if name not in sys.modules), None)
    if missing is None:
        return None
    importlib.import_module(missing)
    return _PAUSE


def start(context: bpy.types.Context) -> None:
    """Start the pose program, if it does not run, so that the first drawing need not wait for it.

    Raises:
        InstallError: it cannot be started.
    """
    from ..core.client import client_of

    client_of(server(context)).start()


def shut_down() -> None:
    """Load nothing any more, and end the pose program, if it runs."""
    if bpy.app.timers.is_registered(load_a_piece):
        bpy.app.timers.unregister(load_a_piece)
    client = sys.modules.get(_client_module)
    if client is not None:
        client.shut_down()


def wheel_folders() -> list[Path]:
    """Where Blender has unpacked the packages (wheels) that come with extensions."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(bpy.utils.user_resource("EXTENSIONS"), ".local", "lib", version, "site-packages")
    return [folder] if folder.is_dir() else []
