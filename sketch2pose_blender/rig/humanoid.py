"""Poses any humanoid armature: finds which bone is which joint, and leaves alone what must not be touched."""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIndexIssue=false

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..core.boundary import Body, Hypothesis, InputError, pose_body
from ..core.rest_frames import joint_rotations
from ..core.retarget import Target, pose_bones, rise, wanted_turns
from ..core.rig_families import Family, IkLimb, families, find_joints
from ..core.rig_mapping import RigMapping, Skeleton
from .columns import read_column, read_matrices
from .ik_limbs import is_in_ik, key_controls, place_controls
from .keys import rotation_path, set_rotation
from .posing import armature_of
from .rig_table import keeps_ik, kept_table
from .root import RootRule, heads_of, planted

#: Joints that a pose needs; a rig without them is no humanoid.
_NEEDED = [
    "pelvis",
    *(f"{s}_{j}" for s in ("left", "right") for j in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")),
]
#: Joints of one level hang only on joints of the levels before; the legs of some rigs hang on the spine.
_LEVELS = (
    ("pelvis",),
    ("spine1",),
    ("spine2",),
    ("spine3", "left_hip", "right_hip"),
    ("neck", "left_collar", "right_collar", "left_knee", "right_knee"),
    ("head", "left_shoulder", "right_shoulder", "left_ankle", "right_ankle"),
    ("left_elbow", "right_elbow", "left_foot", "right_foot"),
    ("left_wrist", "right_wrist"),
)
#: After this level come the controls that a rig's family turns once more.
_REPEAT_AFTER = "spine1"


@dataclass(frozen=True, eq=False)
class Humanoid:
    """An armature and which of its bones are which SMPL joints.

    Attributes:
        armature: the object.
        mapping: joint -> bone, with confidence.
        family: the family of rigs that its names belong to, None where they were found by structure.
        reference: bone -> (4, 4) pose, armature space, of the pose that counts as the resting one; empty for
            the bones' own rest.
        keep_ik: whether limbs that are in IK stay in IK; else they are put to FK.
    """

    armature: bpy.types.Object
    mapping: RigMapping
    family: Family | None
    reference: dict[str, np.ndarray] = field(default_factory=dict)
    keep_ik: bool = False

    @property
    def ik_limbs(self) -> list[IkLimb]:
        """The limbs that stay in IK."""
        limbs = self.family.ik if self.family and self.keep_ik else ()
        return [limb for limb in limbs if is_in_ik(self.armature, limb)]

    def fk_controls(self, limb: IkLimb) -> tuple[str, ...]:
        """The FK controls of a limb's three joints, and of its toes if it has some."""
        toe = limb.joints[2].replace("ankle", "foot")
        joints = [*limb.joints, *([toe] if toe != limb.joints[2] and toe in self.mapping.bones else [])]
        return tuple(self.mapping.bones[joint] for joint in joints)

    @property
    def title(self) -> str:
        """What kind of rig it is, in words."""
        return self.family.name if self.family else "unknown rig, mapped by its structure"


def read_skeleton(armature: bpy.types.Object) -> Skeleton:
    """The armature's bones at rest."""
    bones = armature.data.bones
    index = {bone.name: number for number, bone in enumerate(bones)}
    return Skeleton(
        tuple(index),
        tuple(index[parent.name] if (parent := bone.parent) else -1 for bone in bones),
        read_column(bones, "head_local", 3).astype(float),
        read_column(bones, "tail_local", 3).astype(float),
        np.array(armature.matrix_world, float),
    )


def find_humanoid(thing: bpy.types.Object | None) -> Humanoid | None:
    """The humanoid that ``thing`` is or is deformed by; None where there is none.

    A table of bones that is kept with the armature counts; where there is none, the bones are found.
    """
    armature = armature_of(thing)
    if armature is None:
        return None
    keep_ik = keeps_ik(armature)
    table = kept_table(armature)
    if table is None:
        found = search_humanoid(armature)
        return replace(found, keep_ik=keep_ik) if found else None
    family = next((family for family in families() if family.key == table.family), None)
    return Humanoid(armature, table.mapping, family, table.reference, keep_ik)


def search_humanoid(armature: bpy.types.Object) -> Humanoid | None:
    """The humanoid's bones by their names, else by their structure; None where there is none."""
    skeleton = read_skeleton(armature)
    family, mapping = find_joints(skeleton)
    if not all(joint in mapping.bones for joint in _NEEDED):
        return None
    return Humanoid(armature, mapping, family)


def pose_humanoid(
    humanoid: Humanoid,
    hypothesis: Hypothesis,
    body: Body,
    key_frame: float | None = None,
    root: RootRule = "GROUND",
) -> list[str]:
    """Pose a rig, with its lowest point on the ground that its rest pose stands on.

    The figure turns about the rig's own rest orientation; sideways, the pelvis stays where it is.

    Args:
        humanoid: the rig.
        hypothesis: the pose.
        body: the body that the pose was read for.
        key_frame: the frame to key the mapped bones at, None for no keys.
        root: what the pelvis does instead, if asked.

    Returns:
        Names of mapped bones that were left alone: locked, driven or constrained ones.

    Raises:
        InputError: the mapping names bones that the rig does not have any more; nothing has changed.
    """
    armature = humanoid.armature
    betas = np.array(hypothesis.betas, np.float32)
    rest_vertices, rest_joints = body.rest(betas)
    target = read_target(humanoid, rest_joints)
    rotations = joint_rotations(hypothesis)
    wanted = wanted_turns(target, rotations)
    bones = {joint: armature.pose.bones[name] for joint, name in humanoid.mapping.bones.items()}
    driven = _driven_bones(armature)
    left_alone = fixed_joints(humanoid)
    wanted = {joint: turn for joint, turn in wanted.items() if joint not in left_alone}

    in_ik = humanoid.ik_limbs
    stood = heads_of(armature, _shown_feet(humanoid)) if root == "FOOT" else None
    to_fk(humanoid)
    if _moves_by_itself(armature, bones.values(), driven):
        heads = _pose_by_levels(humanoid, bones, wanted)
    else:
        heads = _pose_at_once(target, bones, wanted)
    posed = pose_body(body, rotations.astype(np.float32), betas)
    up = Vector(target.to_armature[:, 1].tolist())
    if "pelvis" not in left_alone and root != "STAY":
        _raise_pelvis(target, bones["pelvis"], up, heads, rest_vertices, posed.joints, posed.vertices)
        if stood is not None:
            feet = [bones[f"{side}_ankle"].name for side in ("left", "right")]
            way = planted(stood, heads_of(armature, feet), np.array(up))
            bones["pelvis"].location += _before(bones["pelvis"]).transposed() @ way
    place_controls(armature, [(limb, humanoid.fk_controls(limb)) for limb in in_ik])
    if key_frame is not None:
        _key_rotations(humanoid, bones, wanted, key_frame)
        if "pelvis" in wanted and root != "STAY":
            bones["pelvis"].keyframe_insert("location", frame=key_frame, group=bones["pelvis"].name)
        for limb in in_ik:
            key_controls(armature, limb, key_frame)
    return [bones[joint].name for joint in humanoid.mapping.bones if joint in left_alone]


def _shown_feet(humanoid: Humanoid) -> list[str]:
    """The bones at whose heads the left and the right foot are seen, in FK or in IK."""
    shown = {joint: humanoid.mapping.bones[joint] for joint in ("left_ankle", "right_ankle")}
    for limb in humanoid.family.ik if humanoid.family else ():
        if limb.joints[2] in shown and is_in_ik(humanoid.armature, limb):
            shown[limb.joints[2]] = limb.shows[2]
    return list(shown.values())


class LiveHumanoid:
    """A rig whose bones are turned many times a second; what does not change meanwhile is looked at once.

    Args:
        humanoid: the rig.
        rest_joints: (24, 3) rest joints of the body that poses are read for, metres.

    Raises:
        InputError: the rig's table of bones does not fit it any more.
    """

    def __init__(self, humanoid: Humanoid, rest_joints: np.ndarray) -> None:
        armature = humanoid.armature
        self._humanoid = humanoid
        self.target = read_target(humanoid, rest_joints)
        self._bones = {joint: armature.pose.bones[name] for joint, name in humanoid.mapping.bones.items()}
        self._fixed = fixed_joints(humanoid)
        self._by_levels = _moves_by_itself(armature, self._bones.values(), _driven_bones(armature))

    def turn(self, rotations: np.ndarray, key_frame: float | None = None) -> None:
        """Turn the bones; the pelvis stays where it is.

        Args:
            rotations: (24, 3, 3) local joint rotations in the SMPL rest frame.
            key_frame: the frame to key the rotations at, None for no keys.
        """
        turns = wanted_turns(self.target, rotations)
        wanted = {joint: turn for joint, turn in turns.items() if joint not in self._fixed}
        to_fk(self._humanoid)
        if self._by_levels:
            _pose_by_levels(self._humanoid, self._bones, wanted)
        else:
            _pose_at_once(self.target, self._bones, wanted)
        if key_frame is not None:
            _key_rotations(self._humanoid, self._bones, wanted, key_frame)


def turn_joints(humanoid: Humanoid, target: Target, wanted: dict[str, np.ndarray]) -> None:
    """Turn the bones of joints, and nothing else: limbs stay in IK or FK, the pelvis stays where it is.

    Args:
        humanoid: the rig.
        target: the same, as :func:`read_target` gives it.
        wanted: joint -> (3, 3) turn from the reference pose, armature space.
    """
    bones = {joint: humanoid.armature.pose.bones[name] for joint, name in humanoid.mapping.bones.items()}
    if _moves_by_itself(humanoid.armature, bones.values(), _driven_bones(humanoid.armature)):
        _pose_by_levels(humanoid, bones, wanted)
    else:
        _pose_at_once(target, bones, wanted)


def _key_rotations(
    humanoid: Humanoid, bones: dict[str, bpy.types.PoseBone], wanted: dict[str, np.ndarray], key_frame: float
) -> None:
    repeats = humanoid.family.repeats.items() if humanoid.family else ()
    again = (humanoid.armature.pose.bones[bone] for joint, bone in repeats if joint in wanted)
    for bone in (*(bones[joint] for joint in wanted), *again):
        bone.keyframe_insert(rotation_path(bone), frame=key_frame, group=bone.name)


def read_target(humanoid: Humanoid, rest_joints: np.ndarray) -> Target:
    """The rig as the maths of retargeting sees it.

    Args:
        humanoid: the rig.
        rest_joints: (24, 3) rest joints of the body that its poses are of, metres.

    Raises:
        InputError: the mapping names bones that the rig does not have any more, or lacks a joint.
    """
    armature, family = humanoid.armature, humanoid.family
    skeleton = read_skeleton(armature)
    gone = [bone for bone in humanoid.mapping.bones.values() if bone not in skeleton.names]
    if gone:
        raise InputError(f"The rig has no bone {gone[0]} any more; find its bones again.")
    missing = [joint for joint in _NEEDED if joint not in humanoid.mapping.bones]
    if missing:
        raise InputError(f"The rig's table names no bone for {missing[0].replace('_', ' ')}; choose one.")
    index = {name: bone for bone, name in enumerate(skeleton.names)}
    bones = {joint: index[bone] for joint, bone in humanoid.mapping.bones.items()}
    places = {j: index[b] for j, b in (family.places if family else {}).items() if j in bones and b in index}
    return Target(
        skeleton,
        read_matrices(armature.data.bones, "matrix_local")[:, :3, :3],
        read_column(armature.data.bones, "use_inherit_rotation", kind=bool),
        bones,
        bones | places,
        np.asarray(rest_joints, float),
        _reference(armature, humanoid.reference),
    )


def fixed_joints(humanoid: Humanoid) -> set[str]:
    """Joints whose bones are left alone: locked, driven or constrained ones."""
    driven = _driven_bones(humanoid.armature)
    bones = humanoid.armature.pose.bones
    return {joint for joint, name in humanoid.mapping.bones.items() if _is_fixed(bones[name], driven)}


def _reference(armature: bpy.types.Object, poses: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) heads and (N, 3, 3) orientations, armature space, of the pose that counts as the resting one."""
    matrices = read_matrices(armature.data.bones, "matrix_local")
    if poses:
        for row, bone in enumerate(armature.data.bones):
            matrices[row] = poses.get(bone.name, matrices[row])
    return matrices[:, :3, 3], matrices[:, :3, :3]


def _pose_at_once(
    target: Target, bones: dict[str, bpy.types.PoseBone], wanted: dict[str, np.ndarray]
) -> np.ndarray:
    """Pose a rig whose bones only follow their parents. Returns (N, 3) heads, armature space."""
    pose = bones["pelvis"].id_data.pose
    present = np.array([bone.matrix_basis.to_3x3().normalized() for bone in pose.bones])
    posed = pose_bones(target, wanted, present)
    for joint in wanted:
        set_rotation(bones[joint], posed.basis[target.bones[joint]])
    pelvis = target.bones["pelvis"]
    before = posed.orientations[pelvis] @ posed.basis[pelvis].T
    return posed.heads + before @ np.array(bones["pelvis"].location)


def _pose_by_levels(
    humanoid: Humanoid, bones: dict[str, bpy.types.PoseBone], wanted: dict[str, np.ndarray]
) -> np.ndarray:
    """Pose a rig with constraints between its bones, from the root outwards, looking at the result each time.

    Returns (N, 3) heads, armature space.
    """
    pose = humanoid.armature.pose

    def turn(bone: bpy.types.PoseBone, joint: str) -> None:
        rest = humanoid.reference.get(bone.name, bone.bone.matrix_local)
        set_rotation(bone, np.array(_before(bone)).T @ wanted[joint] @ np.array(rest)[:3, :3])

    for level in _LEVELS:
        bpy.context.view_layer.update()
        for joint in level:
            if joint in wanted:
                turn(bones[joint], joint)
        if _REPEAT_AFTER in level and humanoid.family:
            bpy.context.view_layer.update()
            for joint, name in humanoid.family.repeats.items():
                if joint in wanted and name in pose.bones:
                    turn(pose.bones[name], joint)
    bpy.context.view_layer.update()
    return np.array([bone.head for bone in pose.bones])


def _raise_pelvis(
    target: Target,
    pelvis: bpy.types.PoseBone,
    up: Vector,
    heads: np.ndarray,
    rest_vertices: np.ndarray,
    joints: np.ndarray,
    vertices: np.ndarray,
) -> None:
    bpy.context.view_layer.update()
    delta = rise(target, heads, rest_vertices, joints, vertices)
    pelvis.location += _before(pelvis).transposed() @ (up * delta)


def _before(bone: bpy.types.PoseBone) -> Matrix:
    """(3, 3) orientation that the bone would have without its own rotation, armature space, as last evaluated."""
    return bone.matrix.to_3x3().normalized() @ bone.matrix_basis.to_3x3().normalized().transposed()


#: Constraints that turn a bone whatever its own rotation is.
_TURNING = {
    "ACTION", "ARMATURE", "CHILD_OF", "COPY_ROTATION", "COPY_TRANSFORMS", "DAMPED_TRACK", "FOLLOW_PATH", "IK",
    "LOCKED_TRACK", "PIVOT", "SPLINE_IK", "STRETCH_TO", "TRACK_TO", "TRANSFORM",
}  # fmt: skip


def _turned_by(bone: bpy.types.PoseBone) -> bool:
    """Whether a constraint turns the bone, or one further down has it in its IK chain."""
    if any(_acts(constraint) and constraint.type in _TURNING for constraint in bone.constraints):
        return True
    for below in bone.children_recursive:
        for constraint in below.constraints:
            if constraint.type == "IK" and _acts(constraint):
                reach = constraint.chain_count
                start = 0 if constraint.use_tail else 1
                chain = [below, *below.parent_recursive][start:]
                if bone in (chain[:reach] if reach else chain):
                    return True
    return False


def _acts(constraint: bpy.types.Constraint) -> bool:
    return not constraint.mute and constraint.influence > 0


def _driven_bones(armature: bpy.types.Object) -> set[str]:
    """Names of bones whose rotation a driver sets."""
    drivers = armature.animation_data.drivers if armature.animation_data else ()
    prefix = 'pose.bones["'
    return {
        bpy.utils.unescape_identifier(path[len(prefix) :].rpartition('"].')[0])
        for path in (curve.data_path for curve in drivers)
        if path.startswith(prefix) and path.rpartition('"].')[2].startswith("rotation")
    }


def _is_fixed(bone: bpy.types.PoseBone, driven: set[str]) -> bool:
    return all(bone.lock_rotation[axis] for axis in range(3)) or bone.name in driven or _turned_by(bone)


def _moves_by_itself(
    armature: bpy.types.Object, bones: Iterable[bpy.types.PoseBone], driven: set[str]
) -> bool:
    """Whether anything but its parent moves one of the bones or what it hangs on."""
    above = {ancestor.name for bone in bones for ancestor in (bone, *bone.parent_recursive)}
    return any(
        name in driven or any(_acts(constraint) for constraint in armature.pose.bones[name].constraints)
        for name in above
    )


def to_fk(humanoid: Humanoid) -> None:
    """Put the limbs of a control rig to FK, where its family says how; those that stay in IK are left."""
    kept = {limb.switch[:2] for limb in humanoid.ik_limbs}
    for bone, name, value in humanoid.family.switches if humanoid.family else ():
        pose_bone = humanoid.armature.pose.bones.get(bone)
        if pose_bone is not None and name in pose_bone and (bone, name) not in kept:
            pose_bone[name] = type(pose_bone[name])(value)
    humanoid.armature.update_tag()
