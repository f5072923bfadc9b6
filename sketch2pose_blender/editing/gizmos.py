"""The handles over the drawing: a disc on each joint to drag, and one on each limb's bone to turn it round.

Blue is the figure's left, orange its right; the surer a joint was read, the more solid its disc. A square is
pinned, a ring is ignored. On a bone, a full diamond points towards the viewer, an empty one away.
"""

# Blender's stubs give the union of all types where the code knows which one it has.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from itertools import pairwise
from math import cos, isfinite, pi, sin
from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    import numpy as np

#: Left, right and middle, as in the overlay pictures.
COLOURS = {"left": (0.0, 0.45, 0.7), "right": (0.9, 0.49, 0.0)}
MIDDLE_COLOUR = (0.33, 0.36, 0.4)
#: Radii in pixels of a screen of ordinary density.
_RADIUS, _SMALL_RADIUS, _BUTTON_RADIUS = 7.0, 5.5, 6.0
#: How much farther than its rim a handle can be caught, as a share of its radius.
_REACH = 1.35
_SMALL = ("pelvis", "neck", "head", "nose")
#: The gizmo under the mouse, by its number, and its joint.
_hovered: dict[int, str] = {}


def colour_of(joint: str) -> tuple[float, float, float]:
    """The colour of a joint or of the bone that ends in it."""
    return COLOURS.get(joint.partition("_")[0], MIDDLE_COLOUR)


def hovered() -> str:
    """The joint whose handle is under the mouse, or ""."""
    return next(iter(_hovered.values()), "")


def joint_at(context: bpy.types.Context, place: tuple[float, float]) -> str:
    """The joint whose handle is at a place of the region, or "".

    Blender tells which gizmo is under the mouse a moment after the mouse has come there.
    """
    import numpy as np

    from ..core.boundary import KEYPOINT_NAMES
    from ..core.handles import HANDLES
    from .corrected import corrected
    from .view import to_region

    state = corrected(context)
    if state is None or context.region_data is None:
        return ""
    joints = [KEYPOINT_NAMES.index(joint) for joint in HANDLES]
    away = np.hypot(*(to_region(context, state.drawn, state.places[joints]) - place).T)
    away = np.nan_to_num(away, nan=np.inf)
    nearest = int(away.argmin())
    reach = _RADIUS * _REACH * context.preferences.system.ui_scale
    return HANDLES[nearest] if away[nearest] <= reach else ""


def _polygon(corners: int, turn: float = 0.0, radius: float = 1.0) -> list[tuple[float, float]]:
    angles = [turn + 2 * pi * corner / corners for corner in range(corners)]
    return [(radius * cos(angle), radius * sin(angle)) for angle in angles]


def _filled(outline: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Triangles of a convex polygon."""
    return [place for a, b in pairwise(outline[1:]) for place in (outline[0], a, b)]


def _ring(outline: list[tuple[float, float]], inner: float = 0.6) -> list[tuple[float, float]]:
    """Triangles of a polygon's rim."""
    triangles = []
    for (ax, ay), (bx, by) in zip(outline, [*outline[1:], outline[0]], strict=True):
        a, b, c, d = (ax, ay), (bx, by), (inner * bx, inner * by), (inner * ax, inner * ay)
        triangles += [a, b, c, a, c, d]
    return triangles


_CIRCLE, _SQUARE, _DIAMOND = _polygon(20), _polygon(4, pi / 4, 1.15), _polygon(4, 0, 1.15)
_SHAPES = {
    "disc": _filled(_CIRCLE),
    "square": _filled(_SQUARE),
    "ring": _ring(_CIRCLE),
    "diamond": _filled(_DIAMOND),
    "empty diamond": _ring(_DIAMOND, 0.55),
    "rim": _ring(_polygon(20, 0, 1.25), 0.8),
}


class SKETCH2POSE_GT_handle(bpy.types.Gizmo):
    """A flat handle in the region's pixels."""

    bl_idname = "SKETCH2POSE_GT_handle"

    def setup(self) -> None:
        """Make the shapes once."""
        self.shapes = {name: self.new_custom_shape("TRIS", triangles) for name, triangles in _SHAPES.items()}
        self.shape = "disc"
        self.joint = ""
        self.shown = False

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Draw it, with a light rim so that it shows on ink."""
        if not self.shown:
            return
        # A joint and the button on its bone have the same name.
        if self.is_highlight:
            _hovered[id(self)] = self.joint
        else:
            _hovered.pop(id(self), None)
        colour, strength = self.color.copy(), self.alpha
        self.color, self.alpha = (1.0, 1.0, 1.0), 0.85 * strength
        self.draw_custom_shape(self.shapes["rim"])
        self.color, self.alpha = colour, strength
        self.draw_custom_shape(self.shapes[self.shape])

    def test_select(self, context: bpy.types.Context, location: tuple[int, int]) -> int:
        """0 where the mouse is on it, else -1."""
        if not self.shown:
            return -1
        centre = self.matrix_basis.translation
        reach = _REACH * self.scale_basis * context.preferences.system.ui_scale
        inside = (location[0] - centre.x) ** 2 + (location[1] - centre.y) ** 2 <= reach**2
        return 0 if inside else -1


class SKETCH2POSE_GGT_correct(bpy.types.GizmoGroup):
    """The handles of the active armature's figure."""

    bl_idname = "SKETCH2POSE_GGT_correct"
    bl_label = "Sketch2Pose joints"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options = {"PERSISTENT", "SCALE", "SHOW_MODAL_ALL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shown while the pose is being corrected."""
        from .corrected import obstacle

        return context.window_manager.sketch2pose_correcting.on and obstacle(context) is None

    def setup(self, context: bpy.types.Context) -> None:  # noqa: ARG002
        """Make the handles; what comes last lies on top."""
        from ..core.handles import FLIP_BUTTONS, HANDLES
        from .operators import SKETCH2POSE_OT_drag_joint, SKETCH2POSE_OT_flip_joint

        self.buttons = [self._handle(SKETCH2POSE_OT_flip_joint.bl_idname, end) for end in FLIP_BUTTONS]
        self.joints = [self._handle(SKETCH2POSE_OT_drag_joint.bl_idname, joint) for joint in HANDLES]
        for gizmo in self.joints:
            gizmo.scale_basis = _SMALL_RADIUS if gizmo.joint in _SMALL else _RADIUS

    def _handle(self, operator: str, joint: str) -> bpy.types.Gizmo:
        gizmo = self.gizmos.new(SKETCH2POSE_GT_handle.bl_idname)
        gizmo.target_set_operator(operator).joint = joint
        gizmo.joint = joint
        gizmo.color = gizmo.color_highlight = colour_of(joint)
        gizmo.scale_basis = _BUTTON_RADIUS
        gizmo.alpha, gizmo.alpha_highlight = 0.9, 1.0
        gizmo.use_draw_modal = gizmo.use_tooltip = True
        return gizmo

    def draw_prepare(self, context: bpy.types.Context) -> None:
        """Put every handle where its joint is now."""
        import numpy as np

        from ..core.boundary import KEYPOINT_NAMES, KEYPOINT_PARENTS
        from .corrected import corrected
        from .view import to_region

        state = corrected(context)
        if state is None:
            for gizmo in (*self.joints, *self.buttons):
                gizmo.shown = False
            return
        places = to_region(context, state.drawn, state.places)
        for gizmo in self.joints:
            index = KEYPOINT_NAMES.index(gizmo.joint)
            self._place(gizmo, places[index])
            pinned, ignored = gizmo.joint in state.pinned, gizmo.joint in state.ignored
            gizmo.shape = "square" if pinned else "ring" if ignored else "disc"
            sure = 1.0 if pinned or gizmo.joint in state.moved else float(state.scores[index])
            gizmo.alpha = 0.35 + 0.6 * min(sure / 0.6, 1.0)
            light = 0.35 if gizmo.is_highlight else 0.0
            gizmo.color = gizmo.color_highlight = [
                value + light * (1 - value) for value in colour_of(gizmo.joint)
            ]
        for gizmo in self.buttons:
            index = KEYPOINT_NAMES.index(gizmo.joint)
            start = places[KEYPOINT_PARENTS[index]]
            gizmo.shape = "diamond" if state.depth(gizmo.joint) < 0 else "empty diamond"
            self._place(gizmo, (start + places[index]) / 2)
            # A bone that is seen too short for three handles keeps the two at its ends.
            room = 4 * _RADIUS * context.preferences.system.ui_scale
            gizmo.shown = gizmo.shown and bool(np.hypot(*(places[index] - start)) > room)

    @staticmethod
    def _place(gizmo: bpy.types.Gizmo, place: np.ndarray) -> None:
        x, y = place.tolist()
        gizmo.shown = isfinite(x) and isfinite(y)  # not behind the viewer
        if gizmo.shown:
            gizmo.matrix_basis.translation = (x, y, 0.0)


CLASSES = (SKETCH2POSE_GT_handle, SKETCH2POSE_GGT_correct)
