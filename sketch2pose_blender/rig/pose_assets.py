"""The pose of an armature as a pose asset: an action with one key a curve, which Blender's own pose library applies."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false, reportIndexIssue=false

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.asset_catalogs import catalog, plain_path
from ..core.boundary import InputError
from .humanoid import find_humanoid
from .keys import Track, new_curve, rotation_path
from .pose_preview import pose_picture

#: The frame of the keys; a pose asset has one.
_FRAME = 1.0


@dataclass(frozen=True)
class AssetLabels:
    """What an asset browser shows of a pose.

    Attributes:
        name: the asset's.
        catalog: path of its catalog, such as ``Poses/Standing``; "" for none.
        tags: words it is found by.
        description: a sentence.
    """

    name: str
    catalog: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""


def user_libraries() -> dict[str, Path]:
    """Name -> folder of the asset libraries in the preferences that can be written to."""
    libraries = bpy.context.preferences.filepaths.asset_libraries
    return {
        library.name: Path(bpy.path.abspath(library.path))
        for library in libraries
        if library.path
        and not getattr(library, "use_remote_url", False)
        and getattr(library, "enabled", True)
    }


def save_pose_asset(
    armature: bpy.types.Object, labels: AssetLabels, bones: Sequence[bpy.types.PoseBone]
) -> bpy.types.Action:
    """Make a pose asset in this file, of bones as they stand now.

    Args:
        armature: the object.
        labels: what the asset is called.
        bones: its bones that the asset holds.

    Returns:
        The action; the armature's own animation stays as it is.

    Raises:
        InputError: there is nothing to save, or the catalog cannot be written; nothing has changed.
    """
    return _make(armature, labels, bones, _library_of_this_file())


def save_pose_to_library(
    armature: bpy.types.Object, labels: AssetLabels, bones: Sequence[bpy.types.PoseBone], library: Path
) -> Path:
    """The same, to a file of its own in the folder ``library``, where Blender's own Create Pose Asset puts them.

    Returns:
        The file.

    Raises:
        InputError: there is nothing to save, or the library cannot be written; this file has not changed.
    """
    action = _make(armature, labels, bones, library)
    folder = library / "Saved" / "Actions"
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", action.name).strip(" .") or "pose"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path, number = folder / f"{stem}.asset.blend", 1
        while path.exists():
            path, number = folder / f"{stem}_{number}.asset.blend", number + 1
        part = folder / f".{path.name}.part"
        bpy.data.libraries.write(str(part), {action}, fake_user=True, path_remap="NONE", compress=True)
        part.replace(path)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{library} cannot be written; choose another library.") from error
    finally:
        bpy.data.actions.remove(action)
    return path


def _make(
    armature: bpy.types.Object, labels: AssetLabels, bones: Sequence[bpy.types.PoseBone], library: Path | None
) -> bpy.types.Action:
    if not bones:
        raise InputError("There are no bones to save; select some, or save all of them.")
    identity = ""
    if plain_path(labels.catalog):
        if library is None:
            raise InputError("Save the file first: catalogs lie beside it; or leave the catalog empty.")
        identity = catalog(library, labels.catalog)
    tracks = list(_tracks(armature, bones))
    image = pose_picture(armature, list(bones))
    action = bpy.data.actions.new(labels.name)
    try:
        _key(action, armature.name, tracks)
        action.user_clear()  # a new action counts one user, and marking it as an asset one more
        action.asset_mark()
        _label(action, labels, identity)
        _set_preview(action, image)
    except BaseException:
        bpy.data.actions.remove(action)
        raise
    return action


def _tracks(armature: bpy.types.Object, bones: Sequence[bpy.types.PoseBone]) -> Iterator[Track]:
    for bone in bones:
        for path in ("location", rotation_path(bone), "scale"):
            yield Track(bone.name, path, np.array(tuple(getattr(bone, path)))[None])
    chosen = {bone.name for bone in bones}
    for bone, name in _switches(armature, chosen):
        yield Track(
            bone, f'["{bpy.utils.escape_identifier(name)}"]', np.array([[armature.pose.bones[bone][name]]])
        )


def _switches(armature: bpy.types.Object, chosen: set[str]) -> list[tuple[str, str]]:
    """(bone, property) of the switches between IK and FK without which the chosen bones do not show the pose."""
    humanoid = find_humanoid(armature)
    if humanoid is None or humanoid.family is None:
        return []
    needed = {
        limb.switch[0]
        for limb in humanoid.family.ik
        if chosen & {limb.end, *(humanoid.mapping.bones.get(joint, "") for joint in limb.joints)}
    }
    bones = armature.pose.bones
    whole = chosen.issuperset(humanoid.mapping.bones.values())
    return [
        (bone, name)
        for bone, name, _ in humanoid.family.switches
        if bone in bones and name in bones[bone] and (whole or bone in needed | chosen)
    ]


def _key(action: bpy.types.Action, slot: str, tracks: Iterable[Track]) -> None:
    channels: Any = action
    if hasattr(action, "slots"):  # since 4.4
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        channels = strip.channelbag(action.slots.new(id_type="OBJECT", name=slot), ensure=True)
    for track in tracks:
        path = track.data_path
        for index, value in enumerate(track.values[0].tolist()):
            curve = new_curve(channels, path, index, track.bone)
            curve.keyframe_points.insert(_FRAME, value)


def _label(action: bpy.types.Action, labels: AssetLabels, identity: str) -> None:
    data = action.asset_data
    data.description = labels.description
    for tag in labels.tags:
        data.tags.new(tag, skip_if_exists=True)
    if identity:
        data.catalog_id = identity


def _set_preview(action: bpy.types.Action, image: np.ndarray) -> None:
    preview = action.preview_ensure()
    preview.image_size = image.shape[1::-1]
    preview.image_pixels_float.foreach_set(np.ascontiguousarray(image[::-1]).ravel())


def _library_of_this_file() -> Path | None:
    """The folder whose catalogs Blender shows for this file; None where the file was never saved."""
    if not bpy.data.filepath:
        return None
    file = Path(bpy.data.filepath)
    return next((folder for folder in user_libraries().values() if file.is_relative_to(folder)), file.parent)
