"""The panel's choices, saved with the scene."""

from __future__ import annotations

import bpy


class SKETCH2POSE_PG_settings(bpy.types.PropertyGroup):
    """What to pose."""

    image: bpy.props.PointerProperty(
        name="Drawing",
        description="The drawing of one whole person that is posed",
        type=bpy.types.Image,
    )
