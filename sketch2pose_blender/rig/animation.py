"""Whole animations: read from an SMPL armature, another humanoid or a file; written as keys onto any humanoid.

In short, in Python::

    retarget(source_armature, target_armature)
    write_motion(read_motion_file(path, body), target_armature, body, frames)
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIndexIssue=false

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np
from mathutils import Quaternion

from ..core.boundary import (
    JOINT_NAMES,
    JOINT_PARENTS,
    Body,
    InputError,
    Motion,
    forward_kinematics,
    global_rotations,
    load_body,
    local_rotations,
    pose_body,
    read_npz,
    read_poses,
    stand,
)
from ..core.rest_frames import fit_rest_frame
from ..core.retarget import Target, rise, wanted_turns
from ..core.rig_families import IkLimb
from ..core.rig_response import POSES, Observation, Response, learn_response
from .drawn_figure import kept_figure
from .humanoid import Humanoid, find_humanoid, fixed_joints, read_target, to_fk
from .ik_limbs import control_paths, place_controls
from .keys import Track, action_channels, rotation_path, rotation_track, set_rotation, write_keys
from .posing import armature_of, find_smpl_armature

#: What the root does: it moves as the source's, scaled by the legs; it stays in its place and only stands on the
#: ground; or it is left as it is.
Root = Literal["MOTION", "IN_PLACE", "NONE"]
Channel = Literal["ROTATION", "LOCATION"]


def retarget(
    source: bpy.types.Object,
    target: bpy.types.Object,
    *,
    frames: Sequence[int] | None = None,
    offset: int = 0,
    body: Body | None = None,
    root: Root = "MOTION",
    channels: Collection[Channel] = ("ROTATION", "LOCATION"),
    interpolation: str | None = None,
    key_type: str = "KEYFRAME",
) -> list[str]:
    """Copy the animation of one humanoid armature onto another as keys.

    Args:
        source: an SMPL armature, or any other humanoid; what it shows counts, with constraints and NLA.
        target: the armature that gets the keys.
        frames: which frames of the source to copy, rising; None for its action's whole range.
        offset: added to the frames at which the keys are set.
        body: the SMPL body that the poses are of, None for the one that ships.
        root: what the target's root does.
        channels: what is keyed.
        interpolation: of the keys; None for the user's own choice.
        key_type: of the keys.

    Returns:
        Names of bones that were left alone: locked, driven or constrained ones.

    Raises:
        InputError: one of the armatures is no humanoid, or cannot be read or keyed; nothing has changed.
    """
    body = body or load_body()
    chosen = list(frames) if frames is not None else action_frames(source)
    motion = read_motion(source, chosen, body)
    return write_motion(
        motion,
        target,
        body,
        [frame + offset for frame in chosen],
        root=root,
        channels=channels,
        interpolation=interpolation,
        key_type=key_type,
    )


def action_frames(armature: bpy.types.Object) -> list[int]:
    """Every frame of the armature's action. Raises InputError where it has none."""
    animation = armature.animation_data
    if animation is None or animation.action is None:
        raise InputError(f"{armature.name} has no action; give it one, or say which frames to read.")
    first, last = animation.action.frame_range
    return list(range(int(np.floor(first)), int(np.ceil(last)) + 1))


def read_motion_file(path: Path, body: Body, *, figure: int = 1, rate: float = 24.0) -> Motion:
    """Read poses from a ``poses.json`` or an AMASS ``.npz``.

    Args:
        path: the file.
        body: the body that the poses are of.
        figure: of a ``poses.json``: which figure of each drawing, 1 the first; drawings without it are left out.
        rate: of a ``poses.json``: drawings a second.

    Raises:
        InputError: the file cannot be read or holds no poses.
    """
    if path.suffix.lower() != ".json":
        return read_npz(path, body)
    try:
        result = read_poses(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); choose another file.") from error
    figures = [image.figures[figure - 1] for image in result.images if len(image.figures) >= figure]
    if not figures:
        raise InputError(
            f"{path.name} holds no drawing with {figure} figures; choose another figure or file."
        )
    return stand([found.hypotheses[0] for found in figures], body, rate)


# ------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, eq=False)
class Recording:
    """What an armature shows over F frames.

    Attributes:
        matrices: bone -> (F, 4, 4) posed matrix, armature space.
        objects: (F, 4, 4) the armature's own matrix in the world.
    """

    matrices: dict[str, np.ndarray]
    objects: np.ndarray


@dataclass(frozen=True, eq=False)
class Performer:
    """An armature whose poses can be read as those of a body.

    Attributes:
        armature: the object.
        names: joint -> the bone that is called so: a control, of control rigs.
        bones: joint -> the bone whose orientation tells the joint's, in FK and in IK where the rig has such bones.
        places: joint -> the bone at whose head the joint is.
        rests: joint -> (3, 3) ``M``, orientation of its bone that counts as resting, armature space.
        alignments: joint -> (3, 3) ``D``, from the bone's own resting direction to the body's.
        heads: joint -> (3,) its resting place, armature space.
        to_armature: (3, 3) ``A``, from the SMPL rest frame to armature space.
        scale: armature units for a metre of the body.
        betas: (10,) shape of the body.
        fk: bone, property, value of the switches that must be at FK for the bones to tell the pose.
    """

    armature: bpy.types.Object
    names: dict[str, str]
    bones: dict[str, str]
    places: dict[str, str]
    rests: dict[str, np.ndarray]
    alignments: dict[str, np.ndarray]
    heads: dict[str, np.ndarray]
    to_armature: np.ndarray
    scale: float
    betas: np.ndarray
    fk: tuple[tuple[str, str, float], ...] = ()

    def turns(self, recording: Recording) -> np.ndarray:
        """(F, 24, 3, 3) global rotations of the joints, SMPL rest frame; joints without a bone go with their parent."""
        frame = self.to_armature
        turns = np.empty((len(recording.objects), len(JOINT_NAMES), 3, 3))
        for index, joint in enumerate(JOINT_NAMES):
            if joint in self.bones:
                posed = _orientations(recording.matrices[self.bones[joint]])
                turn = posed @ self.rests[joint].T @ self.alignments[joint].T
                turns[:, index] = frame.T @ turn @ frame
            else:
                turns[:, index] = turns[:, JOINT_PARENTS[index]]
        return turns


def performer_of(thing: bpy.types.Object, body: Body) -> Performer:
    """The armature as something whose poses can be read. Raises InputError where it is no humanoid."""
    armature = armature_of(thing)
    if armature is None:
        raise InputError(f"{thing.name} is no armature; choose an armature.")
    betas = _kept_betas(armature)
    rest_joints = np.asarray(body.rest(betas[: body.n_betas].astype(np.float32))[1], float)
    frame = _smpl_frame(armature, rest_joints)
    if frame is not None:
        rest = {name: np.array(armature.data.bones[name].matrix_local) for name in JOINT_NAMES}
        return Performer(
            armature,
            {name: name for name in JOINT_NAMES},
            {name: name for name in JOINT_NAMES},
            {name: name for name in JOINT_NAMES},
            {name: matrix[:3, :3] for name, matrix in rest.items()},
            dict.fromkeys(JOINT_NAMES, np.eye(3)),
            {name: matrix[:3, 3] for name, matrix in rest.items()},
            *frame,
            betas,
        )
    humanoid = _humanoid(armature)
    target = read_target(humanoid, rest_joints)
    family = humanoid.family
    # Where a family has two controls for a joint, the second has the last word.
    bones = humanoid.mapping.bones | (
        {j: b for j, b in family.repeats.items() if b in armature.data.bones} if family else {}
    )
    index = {name: number for number, name in enumerate(target.skeleton.names)}
    shown, switches = _shown_limbs(humanoid)
    bones |= shown
    return Performer(
        armature,
        humanoid.mapping.bones,
        bones,
        {joint: target.skeleton.names[place] for joint, place in target.places.items()} | shown,
        {joint: target.reference[1][index[bone]] for joint, bone in bones.items()},
        target.alignments,
        {joint: target.reference[0][place] for joint, place in target.places.items()},
        target.to_armature,
        target.scale,
        betas,
        switches,
    )


def _shown_limbs(humanoid: Humanoid) -> tuple[dict[str, str], tuple[tuple[str, str, float], ...]]:
    """Joint -> bone that shows a limb in FK and in IK, where there are such bones; the switches of other limbs."""
    family, bones = humanoid.family, humanoid.armature.pose.bones
    shown: dict[str, str] = {}
    told = set()
    for limb in family.ik if family else ():
        if all(name in bones for name in limb.shows) and set(limb.joints) <= humanoid.mapping.bones.keys():
            shown |= dict(zip(limb.joints, limb.shows, strict=True))
            told.add(limb.switch[:2])
    return shown, tuple(switch for switch in (family.switches if family else ()) if switch[:2] not in told)


def record(performer: Performer, frames: Sequence[float]) -> Recording:
    """Play an armature's animation and take down its bones.

    Raises:
        InputError: the limbs of a control rig are in IK at one of the frames.
    """
    names = {*performer.bones.values(), performer.places["pelvis"]}
    matrices: dict[str, list[np.ndarray]] = {name: [] for name in names}
    objects = []
    with _alone(performer.armature) as stage:
        for frame in frames:
            whole = int(np.floor(frame))
            stage.scene.frame_set(whole, subframe=float(frame) - whole)
            shown = stage.evaluated()
            for bone, name, value in performer.fk:
                if name in shown.pose.bones[bone] and abs(shown.pose.bones[bone][name] - value) > 1e-3:
                    raise InputError(
                        f"{performer.armature.name} has limbs in IK at frame {whole}; "
                        "bake them to its FK controls, or retarget onto the rig again."
                    )
            for name, taken in matrices.items():
                taken.append(np.array(shown.pose.bones[name].matrix))
            objects.append(np.array(shown.matrix_world))
    return Recording({name: np.array(taken) for name, taken in matrices.items()}, np.array(objects))


def read_motion(thing: bpy.types.Object, frames: Sequence[float], body: Body) -> Motion:
    """What an armature does, as the motion of a body that starts where and as the armature rests.

    Where the armature's object stands and how it is turned does not count; its movement from the first frame on does.

    Args:
        thing: an SMPL armature, or any other humanoid, or what it deforms.
        frames: rising frames of the scene, at least one.
        body: the SMPL body that the poses are of.

    Raises:
        InputError: it is no humanoid, or its limbs are in IK.
    """
    performer = performer_of(thing, body)
    recording = record(performer, frames)
    frame = performer.to_armature
    carried = np.linalg.inv(recording.objects[0]) @ recording.objects
    turns = performer.turns(recording)
    turns = frame.T @ _orientations(carried)[:, None] @ frame @ turns
    heads = recording.matrices[performer.places["pelvis"]][:, :, 3]
    moved = (carried @ heads[..., None])[:, :3, 0] - performer.heads["pelvis"]
    places = _standing(body, performer.betas) + moved @ frame / performer.scale
    return Motion(local_rotations(turns), places, performer.betas, scene_rate(bpy.context.scene))


def world_motion(thing: bpy.types.Object, frames: Sequence[float], body: Body) -> Motion:
    """What an armature does, as the motion of a body in the scene's world: for files that others read.

    Args and errors are those of :func:`read_motion`.
    """
    performer = performer_of(thing, body)
    recording = record(performer, frames)
    turns, places = in_world(performer, recording)
    size = performer.scale * object_scale(recording.objects)
    return Motion(local_rotations(turns), places / size, performer.betas, scene_rate(bpy.context.scene))


def in_world(performer: Performer, recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Global rotations (F, 24, 3, 3) and places of the pelvis (F, 3), scene units, in the world with y up."""
    turns = (
        _Y_UP @ _orientations(recording.objects)[:, None] @ performer.to_armature @ performer.turns(recording)
    )
    heads = recording.matrices[performer.places["pelvis"]][:, :, 3]
    return turns, (recording.objects @ heads[..., None])[:, :3, 0] @ _Y_UP.T


def object_scale(objects: np.ndarray) -> float:
    """Scene units for an armature unit, of (F, 4, 4) matrices."""
    return float(np.abs(np.linalg.det(objects[0, :3, :3])) ** (1 / 3))


#: Blender's world -> the same with y up: (x, y, z) -> (x, z, -y).
_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def _standing(body: Body, betas: np.ndarray) -> np.ndarray:
    """(3,) place of the pelvis of the body that rests on the ground, metres, y up."""
    vertices, joints = body.rest(betas[: body.n_betas].astype(np.float32))
    return np.array([0.0, float(joints[0, 1] - vertices[:, 1].min()), 0.0])


def _kept_betas(armature: bpy.types.Object) -> np.ndarray:
    """(10,) betas of the figure that the armature was posed from; zeros where it was not posed from a drawing."""
    try:
        drawn = kept_figure(armature)
    except InputError:  # damaged: the pose itself is still there
        drawn = None
    return np.array(drawn.figure.hypotheses[0].betas, float) if drawn is not None else np.zeros(10)


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames a second."""
    return scene.render.fps / scene.render.fps_base


# ------------------------------------------------------------------------------------------------- writing


def write_motion(
    motion: Motion,
    thing: bpy.types.Object,
    body: Body,
    frames: Sequence[float],
    *,
    root: Root = "MOTION",
    channels: Collection[Channel] = ("ROTATION", "LOCATION"),
    interpolation: str | None = None,
    key_type: str = "KEYFRAME",
    keep_between: bool = False,
) -> list[str]:
    """Key a motion onto a humanoid armature, standing on the ground of its own rest pose.

    Args:
        motion: F frames.
        thing: an SMPL armature, or any other humanoid, or what it deforms.
        body: the SMPL body that the motion is of.
        frames: (F,) rising frames of the scene.
        root: what the armature's root does.
        channels: what is keyed.
        interpolation: of the keys; None for the user's own choice.
        key_type: of the keys.
        keep_between: replace keys at the frames alone, not those between them.

    Returns:
        Names of bones that were left alone: locked, driven or constrained ones.

    Raises:
        InputError: it is no humanoid, or cannot be keyed; nothing has changed.
    """
    armature = armature_of(thing)
    if armature is None:
        raise InputError(f"{thing.name} is no armature; choose an armature.")
    if not armature.is_editable:
        raise InputError(f"{armature.name} is linked from another file; make a library override of it first.")
    if armature.mode == "EDIT":
        raise InputError(f"{armature.name} is being edited; leave its edit mode first.")
    humanoid = _humanoid(armature)
    target = read_target(humanoid, body.rest(_betas(motion, body))[1])
    left_alone = fixed_joints(humanoid)
    controls, goals = _goals(humanoid, target, motion, left_alone)
    action_channels(armature)  # raises where nothing can be keyed, before anything has changed

    in_ik = humanoid.ik_limbs if "ROTATION" in channels else []
    to_fk(humanoid)
    with _without_animation(armature, controls), _alone(armature) as stage:
        solved = _solve(armature, controls, goals, target, stage)
    pose_bones = armature.pose.bones
    tracks = []
    if "ROTATION" in channels:
        tracks += [rotation_track(pose_bones[c], solved.basis[:, i]) for i, c in enumerate(controls)]
    pelvis = pose_bones[humanoid.mapping.bones["pelvis"]]
    if (
        root != "NONE"
        and "LOCATION" in channels
        and pelvis.name in controls
        and not all(pelvis.lock_location[axis] for axis in range(3))
    ):
        moved = _shifts(target, motion, body, solved.points, root)
        moved = (solved.before[:, controls.index(pelvis.name)].swapaxes(-1, -2) @ moved[..., None])[..., 0]
        tracks.append(Track(pelvis.name, "location", np.array(pelvis.location) + moved))
    tracks += _switch_tracks(humanoid, len(motion))
    scene = bpy.context.scene
    kind: dict[str, Any] = {
        "interpolation": interpolation, "key_type": key_type, "keep_between": keep_between,
    }  # fmt: skip
    locked = write_keys(armature, frames, tracks, **kind)
    if in_ik:
        locked += write_keys(armature, frames, _ik_tracks(humanoid, in_ik, frames), **kind)
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    names = [bone for joint, bone in humanoid.mapping.bones.items() if joint in left_alone]
    return names + [name for name in locked if name not in names]


def _goals(
    humanoid: Humanoid, target: Target, motion: Motion, left_alone: Collection[str]
) -> tuple[list[str], np.ndarray]:
    """The C bones that are turned, and (F, C, 3, 3) the orientations that they shall have, armature space."""
    armature = humanoid.armature
    index = {name: number for number, name in enumerate(target.skeleton.names)}
    frame = _smpl_frame(armature, target.rest_joints)
    if frame is not None:
        bones = [name for name in JOINT_NAMES if name not in left_alone]
        turns = frame[0] @ global_rotations(motion.rotations) @ frame[0].T
        joints = [JOINT_NAMES.index(name) for name in bones]
        return bones, turns[:, joints] @ target.orientations[[index[name] for name in bones]]
    wanted = [wanted_turns(target, rotations) for rotations in motion.rotations]
    family = humanoid.family
    repeats = [(j, b) for j, b in (family.repeats.items() if family else ()) if b in index]
    pairs = [(j, b) for j, b in (*humanoid.mapping.bones.items(), *repeats) if j not in left_alone]
    turns = np.array([[turn[joint] for joint, _ in pairs] for turn in wanted])
    return [bone for _, bone in pairs], turns @ target.reference[1][[index[bone] for _, bone in pairs]]


@dataclass(frozen=True, eq=False)
class _Solved:
    """How C bones of a rig must turn over F frames.

    Attributes:
        basis: (F, C, 3, 3) their own rotations.
        before: (F, C, 3, 3) the orientations that they have without them, armature space.
        points: (F, P, 3) where the joints of the target's places are then, armature space.
    """

    basis: np.ndarray
    before: np.ndarray
    points: np.ndarray


def _solve(
    armature: bpy.types.Object, controls: list[str], goals: np.ndarray, target: Target, stage: _Stage
) -> _Solved:
    bones = [armature.pose.bones[name] for name in controls]
    places = [target.skeleton.names[bone] for bone in target.places.values()]
    response = _observe(bones, places, stage)
    before = response.before(goals)
    basis = before.swapaxes(-1, -2) @ goals
    # What no control carries alone is asked of the rig, from the trunk outwards: one may hang on another.
    asked = sorted(response.unknown, key=lambda control: len(bones[control].parent_recursive))
    for depth in sorted({len(bones[control].parent_recursive) for control in asked}):
        group = [control for control in asked if len(bones[control].parent_recursive) == depth]
        for frame, shown in enumerate(_played(bones, basis, stage)):
            for control in group:
                before[frame, control] = _before(shown.pose.bones[controls[control]])
        basis[:, group] = before[:, group].swapaxes(-1, -2) @ goals[:, group]
    points = response.points(goals)
    if points is None:
        points = np.array(
            [[shown.pose.bones[name].head for name in places] for shown in _played(bones, basis, stage)]
        )
    return _Solved(basis, before, points)


def _observe(bones: list[bpy.types.PoseBone], places: list[str], stage: _Stage) -> Response:
    """Turn all bones to rest and then at random a few times, and look at what carries what."""
    chance = np.random.default_rng(0)
    before, posed, heads, points = [], [], [], []
    for pose in range(1 + POSES):
        for bone in bones:
            turn = Quaternion(
                chance.normal(size=3).tolist(), float(chance.uniform(0.3, 1.2)) if pose else 0.0
            )
            set_rotation(bone, np.array(turn.to_matrix()))
        shown = stage.evaluated().pose.bones
        before.append([_before(shown[bone.name]) for bone in bones])
        posed.append([np.array(shown[bone.name].matrix.to_3x3().normalized()) for bone in bones])
        heads.append([np.array(shown[bone.name].head) for bone in bones])
        points.append([np.array(shown[name].head) for name in places])
    return learn_response(Observation(*(np.array(seen, float) for seen in (before, posed, heads, points))))


def _played(bones: list[bpy.types.PoseBone], basis: np.ndarray, stage: _Stage) -> Iterator[bpy.types.Object]:
    """The armature in each of F poses: ``basis`` (F, C, 3, 3)."""
    tracks = [rotation_track(bone, basis[:, index]) for index, bone in enumerate(bones)]
    for frame in range(len(basis)):
        for bone, track in zip(bones, tracks, strict=True):
            setattr(bone, track.path, track.values[frame].tolist())
        yield stage.evaluated()


def _before(shown: bpy.types.PoseBone) -> np.ndarray:
    """(3, 3) orientation that an evaluated bone would have without its own rotation, armature space."""
    own = shown.matrix_basis.to_3x3().normalized()
    return np.array(shown.matrix.to_3x3().normalized() @ own.transposed(), float)


def _shifts(target: Target, motion: Motion, body: Body, points: np.ndarray, root: Root) -> np.ndarray:
    """(F, 3) how far the root must be moved, armature space, to stand on the ground and to be where the source is.

    Args:
        target: the rig.
        motion: what the source does.
        body: the source.
        points: (F, P, 3) joints of the rig, posed, with the root where it is.
        root: whether it moves as the source does.
    """
    rest_vertices, rest_joints = body.rest(_betas(motion, body))
    heads = np.zeros_like(target.skeleton.heads)
    bones = list(target.places.values())
    up = target.to_armature[:, 1]
    lifts = np.empty(len(motion))
    for frame, rotations in enumerate(motion.rotations):
        if motion.grounded:  # where the lowest point is need not be found out again
            joints = forward_kinematics(global_rotations(rotations), rest_joints)
            vertices = np.array([(0.0, joints[0, 1] - motion.places[frame, 1], 0.0)])
        else:
            posed = pose_body(body, rotations.astype(np.float32), _betas(motion, body))
            joints, vertices = posed.joints, posed.vertices
        heads[bones] = points[frame]
        lifts[frame] = rise(target, heads, rest_vertices, joints, vertices)
        if root == "MOTION":  # a jump stays a jump
            lifts[frame] += target.scale * (motion.places[frame, 1] - joints[0, 1] + vertices[:, 1].min())
    if root == "IN_PLACE":
        return lifts[:, None] * up
    pelvis = list(target.places).index("pelvis")
    rest = target.reference[0][target.places["pelvis"]]
    moved = rest + target.scale * motion.places @ target.to_armature.T - points[:, pelvis]
    return moved + (lifts - moved @ up)[:, None] * up


def _switch_tracks(humanoid: Humanoid, count: int) -> list[Track]:
    """The switches to FK, or to IK of limbs that stay in IK, where they are animated: their curves would switch back."""
    armature = humanoid.armature
    curves = action_channels(armature).fcurves
    switches = (
        {(bone, name): value for bone, name, value in humanoid.family.switches} if humanoid.family else {}
    )
    switches |= {(bone, name): value for bone, name, value in (limb.switch for limb in humanoid.ik_limbs)}
    tracks = [
        Track(bone, f'["{bpy.utils.escape_identifier(name)}"]', np.full((count, 1), float(value)))
        for (bone, name), value in switches.items()
    ]
    return [track for track in tracks if curves.find(track.data_path) is not None]


def _ik_tracks(humanoid: Humanoid, limbs: Sequence[IkLimb], frames: Sequence[float]) -> list[Track]:
    """The controls of limbs in IK, so that they end where the FK controls' keys have them at each frame."""
    armature, scene = humanoid.armature, bpy.context.scene
    paths = {(bone.name, path): bone for limb in limbs for bone, path in control_paths(armature, limb)}
    values: dict[tuple[str, str], list[tuple[float, ...]]] = {key: [] for key in paths}
    for frame in frames:
        # What the controls are now the next ones are near to.
        before = {key: tuple(getattr(bone, key[1])) for key, bone in paths.items()}
        whole = int(np.floor(frame))
        scene.frame_set(whole, subframe=float(frame) - whole)
        for (_, path), bone in paths.items():
            setattr(bone, path, before[bone.name, path])
        place_controls(armature, [(limb, humanoid.fk_controls(limb)) for limb in limbs])
        for key, bone in paths.items():
            values[key].append(tuple(getattr(bone, key[1])))
    return [Track(bone, path, np.array(taken)) for (bone, path), taken in values.items()]


def _betas(motion: Motion, body: Body) -> np.ndarray:
    return np.asarray(motion.betas, np.float32)[: body.n_betas]


# ------------------------------------------------------------------------------------------------- both


def _humanoid(armature: bpy.types.Object) -> Humanoid:
    humanoid = find_humanoid(armature)
    if humanoid is None:
        raise InputError(
            f"No arms, legs and spine were found among the bones of {armature.name}; choose a humanoid rig."
        )
    return humanoid


def _smpl_frame(armature: bpy.types.Object, rest_joints: np.ndarray) -> tuple[np.ndarray, float] | None:
    """(3, 3) ``A`` and units a metre of an SMPL armature that rests in the T-pose, else None."""
    if find_smpl_armature(armature) is None:
        return None
    try:
        return fit_rest_frame(np.array([armature.data.bones[n].head_local for n in JOINT_NAMES]), rest_joints)
    except InputError:
        return None


def _orientations(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations of (..., 4, 4) matrices, without their scale."""
    axes = matrices[..., :3, :3]
    return axes / np.linalg.norm(axes, axis=-2, keepdims=True)


@dataclass(frozen=True, eq=False)
class _Stage:
    """A scene with one armature and what it depends on, so that evaluating it costs no more than that."""

    scene: bpy.types.Scene
    armature: bpy.types.Object

    def evaluated(self) -> bpy.types.Object:
        """The armature as it is posed now."""
        layer = self.scene.view_layers[0]
        layer.update()
        assert layer.depsgraph is not None  # update() makes it
        return self.armature.evaluated_get(layer.depsgraph)


@contextmanager
def _alone(armature: bpy.types.Object) -> Iterator[_Stage]:
    scene = bpy.data.scenes.new("Sketch2Pose")
    hidden = armature.hide_viewport
    try:
        armature.hide_viewport = False
        scene.collection.objects.link(armature)
        yield _Stage(scene, armature)
    finally:
        bpy.data.scenes.remove(scene)
        armature.hide_viewport = hidden


@contextmanager
def _without_animation(armature: bpy.types.Object, controls: list[str]) -> Iterator[None]:
    """Meanwhile the armature can be posed at will; afterwards its animation and its controls are as they were."""
    animation = armature.animation_data
    action, nla = animation.action, animation.use_nla
    slot = getattr(animation, "action_slot", None)
    bones = [armature.pose.bones[name] for name in controls]
    before = [tuple(getattr(bone, rotation_path(bone))) for bone in bones]
    try:
        animation.action, animation.use_nla = None, False
        yield
    finally:
        for bone, values in zip(bones, before, strict=True):
            setattr(bone, rotation_path(bone), values)
        animation.use_nla, animation.action = nla, action
        if slot is not None:
            animation.action_slot = slot
