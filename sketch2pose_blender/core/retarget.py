"""An SMPL pose on the bones of another humanoid, whatever its rest pose, rolls and proportions are.

Frames: the source is in the SMPL rest frame (y up, facing +z, left at +x); the target in armature space.
``A`` turns the first into the second. A limb bone gets the source joint's turn and exactly the source's
direction: ``P = C A R A^-1 D M``, where ``R`` is the joint's global rotation, ``M`` the bone's rest
orientation, ``D`` the shortest turn from the bone's rest direction to the source's, and ``C`` the shortest
turn onto the posed direction, which is the identity unless one bone stands for several joints.

Pelvis and head keep their sense instead (``D`` is the identity: upright stays upright), feet keep theirs
(``D`` turns about the vertical only: a flat foot stays flat). A hand's fingers point and its palm looks where the
source's do, where finger bones tell how it rests: half of the twist that this takes is the forearm's. Else it turns
with its forearm's ``D``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .boundary import JOINT_NAMES, forward_kinematics, global_rotations, matrix_to_axis_angle, rodrigues
from .hands import frame_of, hand_frame
from .rig_mapping import Skeleton

#: Joint -> the joints its bone may point at; the first that the target has counts.
_POINTS_AT: dict[str, tuple[str, ...]] = {
    "spine1": ("spine2", "spine3", "neck", "head"),
    "spine2": ("spine3", "neck", "head"),
    "spine3": ("neck", "head"),
    "neck": ("head",),
}
_INDEX = {name: joint for joint, name in enumerate(JOINT_NAMES)}
for _side in ("left", "right"):
    for _joint, _end in (
        ("collar", "shoulder"), ("shoulder", "elbow"), ("elbow", "wrist"),
        ("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"),
    ):  # fmt: skip
        _POINTS_AT[f"{_side}_{_joint}"] = (f"{_side}_{_end}",)

#: Joints whose alignment is that of another one.
_SAME_AS = {
    f"{s}_{j}": f"{s}_{k}" for s in ("left", "right") for j, k in (("wrist", "elbow"), ("foot", "ankle"))
}

#: A foot that goes on this share of its length sideways or less points nowhere.
_STEEP = 0.2


@dataclass(frozen=True, eq=False)
class Target:
    """A rig that takes poses.

    Attributes:
        skeleton: its N bones at rest.
        orientations: (N, 3, 3) rest orientation of the bones, columns are their axes, armature space.
        inherits: (N,) bool, whether a bone turns with its parent.
        bones: SMPL joint -> index of the bone that is turned.
        places: SMPL joint -> index of the bone at whose head the joint is: the same but for control rigs.
        rest_joints: (24, 3) rest joints of the source body, SMPL rest frame, metres.
        reference: the bones' (N, 3) heads and (N, 3, 3) orientations, armature space, in the pose that is
            taken for the resting one: that of the bones' rest, or one that the artist has set.
    """

    skeleton: Skeleton
    orientations: np.ndarray
    inherits: np.ndarray
    bones: dict[str, int]
    places: dict[str, int]
    rest_joints: np.ndarray
    reference: tuple[np.ndarray, np.ndarray]

    @cached_property
    def to_armature(self) -> np.ndarray:
        """(3, 3) ``A``, from the SMPL rest frame to armature space."""
        hips, shoulders = (
            np.stack([self._head(f"{side}_{joint}") for side in ("left", "right")])
            for joint in ("hip", "shoulder")
        )
        left = hips[0] - hips[1] + shoulders[0] - shoulders[1]
        up = shoulders.mean(0) - hips.mean(0)
        up = up - left * (up @ left) / (left @ left)
        columns = np.stack([_unit(left), _unit(up), np.cross(_unit(left), _unit(up))], 1)
        # Rigs are built along the axes; a spine that leans is no reason to tilt the figure.
        nearest = np.round(columns)
        return nearest if np.abs(columns - nearest).max() < 0.4 else columns

    @cached_property
    def scale(self) -> float:
        """Armature units for a metre of the source body, by the length of the legs."""
        chain = [("hip", "knee"), ("knee", "ankle")]
        pairs = [(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in chain]
        own = sum(float(np.linalg.norm(self._head(b) - self._head(a))) for a, b in pairs)
        source = sum(float(np.linalg.norm(self._source(b) - self._source(a))) for a, b in pairs)
        return own / source

    @cached_property
    def ends(self) -> dict[str, str]:
        """Joint -> the joint its bone points at, for the joints whose directions are the source's."""
        extent = float(np.ptp(self.reference[0], axis=0).max())
        found = {}
        for joint in self.bones:
            end = next((e for e in _POINTS_AT.get(joint, ()) if e in self.bones), None)
            if end is not None and np.linalg.norm(self._head(end) - self._head(joint)) > 1e-3 * extent:
                found[joint] = end
        return found

    @cached_property
    def alignments(self) -> dict[str, np.ndarray]:
        """Joint -> (3, 3) ``D``."""
        found = {}
        for joint, end in self.ends.items():
            own = self._head(end) - self._head(joint)
            source = self.to_armature @ (self._source(end) - self._source(joint))
            if joint.endswith("ankle"):
                up, far = self.to_armature[:, 1], float(np.linalg.norm(own))
                own, source = own - up * (own @ up), source - up * (source @ up)
                if np.linalg.norm(own) < _STEEP * far:  # it says nothing about where the foot points
                    own = source
            found[joint] = shortest_turn(own, source)
        for side in ("left", "right"):
            found |= self._hand(side, found)
        for joint in self.bones:
            found.setdefault(joint, found.get(_SAME_AS.get(joint, ""), np.eye(3)))
        return found

    def _hand(self, side: str, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Joint -> ``D`` of a side's hand and forearm, where finger bones tell how the hand rests."""
        wrist, elbow = f"{side}_wrist", f"{side}_elbow"
        if elbow not in found or wrist not in self.bones:
            return {}
        along = self.to_armature @ (self._source(f"{side}_hand") - self._source(wrist))
        palm = -self.to_armature[:, 1]  # the source rests in a T-pose, palms down
        own = hand_frame(
            self.skeleton, self.reference[0], self.places[wrist], self.places[elbow],
            left=side == "left", usual_palm=found[elbow].T @ palm,
        )  # fmt: skip
        if own is None:
            return {}
        turn = frame_of(along, palm) @ own.T
        forearm = self.to_armature @ (self._source(wrist) - self._source(elbow))
        return {wrist: turn, elbow: _twist(turn @ found[elbow].T, _unit(forearm), 0.5) @ found[elbow]}

    def _head(self, joint: str) -> np.ndarray:
        return self.reference[0][self.places[joint]]

    def _source(self, joint: str) -> np.ndarray:
        return self.rest_joints[_INDEX[joint]]


@dataclass(frozen=True, eq=False)
class PosedBones:
    """A posed target.

    Attributes:
        basis: (N, 3, 3) rotation of each bone relative to its rest, as ``PoseBone.matrix_basis`` has it.
        orientations: (N, 3, 3) posed orientation, armature space.
        heads: (N, 3) posed heads, armature space, with every bone's location at zero.
    """

    basis: np.ndarray
    orientations: np.ndarray
    heads: np.ndarray


def wanted_turns(target: Target, rotations: np.ndarray) -> dict[str, np.ndarray]:
    """The turn from rest in armature space, (3, 3), of every mapped joint's bone: ``C A R A^-1 D``.

    Args:
        target: the rig.
        rotations: (24, 3, 3) local joint rotations in the SMPL rest frame.
    """
    world = global_rotations(rotations)
    joints = forward_kinematics(world, target.rest_joints)
    frame = target.to_armature
    wanted = {}
    for joint in target.bones:
        turn = frame @ world[_INDEX[joint]] @ frame.T
        if joint in target.ends and not joint.endswith("ankle"):
            end = target.ends[joint]
            meant = frame @ (joints[_INDEX[end]] - joints[_INDEX[joint]])
            turned = turn @ frame @ (target.rest_joints[_INDEX[end]] - target.rest_joints[_INDEX[joint]])
            turn = shortest_turn(turned, meant) @ turn
        wanted[joint] = turn @ target.alignments[joint]
    return wanted


def pose_bones(target: Target, wanted: dict[str, np.ndarray], present: np.ndarray) -> PosedBones:
    """Walk down the hierarchy: what each bone's own rotation must be.

    Args:
        target: the rig, without constraints between its bones.
        wanted: joint -> (3, 3) turn, as from :func:`wanted_turns`.
        present: (N, 3, 3) rotations that the other bones have and keep.
    """
    skeleton, rest = target.skeleton, target.orientations
    bones = {joint: target.bones[joint] for joint in wanted}
    goals = {bone: wanted[joint] @ target.reference[1][bone] for joint, bone in bones.items()}
    basis, posed, heads = present.copy(), np.empty_like(rest), skeleton.heads.copy()
    for bone in _parents_first(skeleton):
        parent = skeleton.parents[bone]
        before = rest[bone]
        if parent >= 0:
            carried = posed[parent] @ rest[parent].T
            heads[bone] = heads[parent] + carried @ (skeleton.heads[bone] - skeleton.heads[parent])
            if target.inherits[bone]:
                before = carried @ rest[bone]
        if bone in goals:
            basis[bone] = before.T @ goals[bone]
        posed[bone] = before @ basis[bone]
    return PosedBones(basis, posed, heads)


def rise(
    target: Target, heads: np.ndarray, rest_vertices: np.ndarray, joints: np.ndarray, vertices: np.ndarray
) -> float:
    """How far up the posed rig must go to stand on the ground that its rest pose stands on, armature units.

    Args:
        target: the rig.
        heads: (N, 3) posed heads, armature space.
        rest_vertices: (V, 3) the source body at rest, metres, y up.
        joints: (24, 3) posed joints of the source body, metres, y up.
        vertices: (V, 3) the source body, posed as ``joints``.
    """
    up = target.to_armature[:, 1]
    own = list(target.places.values())
    source = [_INDEX[joint] for joint in target.places]
    # How far the flesh reaches below the joints is the source's, scaled.
    rest = (target.reference[0][own] @ up).min() - target.scale * (
        target.rest_joints[source, 1].min() - rest_vertices[:, 1].min()
    )
    posed = (heads[own] @ up).min() - target.scale * (joints[source, 1].min() - vertices[:, 1].min())
    return float(rest - posed)


def shortest_turn(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(3, 3) rotation that takes the direction of one (3,) vector to another's the shortest way."""
    a, b = _unit(start), _unit(end)
    # Written out: numpy's own cross product takes ten times as long for a single pair.
    axis = np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
    cosine = float(a @ b)
    if cosine < -1 + 1e-9:  # any axis across will do
        side = np.eye(3)[int(np.argmin(np.abs(a)))]
        axis = _unit(np.cross(a, side))
        return 2 * np.outer(axis, axis) - np.eye(3)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def _twist(turn: np.ndarray, axis: np.ndarray, share: float) -> np.ndarray:
    """(3, 3) a share of what a (3, 3) turn turns about a unit (3,) axis."""
    half = matrix_to_axis_angle(turn[None])[0] / 2
    angle = float(np.linalg.norm(half))
    along = float(half @ axis) / max(angle, 1e-12) * np.sin(angle)
    return rodrigues(2 * share * float(np.arctan2(along, np.cos(angle))) * axis[None])[0]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _parents_first(skeleton: Skeleton) -> list[int]:
    order = [bone for bone, parent in enumerate(skeleton.parents) if parent < 0]
    for bone in order:  # grows as it is read
        order.extend(skeleton.children[bone])
    return order
