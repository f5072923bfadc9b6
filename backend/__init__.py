"""Sketch2Pose: poses of the SMPL skeleton from drawings.

    from backend import Pipeline
    result = Pipeline().pose("sketch.png")
    print(result.figures[0].hypotheses[0].body_pose)

Importing this package loads nothing heavy; numpy and ONNX Runtime come with the first Pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline import Pipeline

__version__ = "0.1.0"
__all__ = ["Pipeline", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Pipeline":
        from .pipeline import Pipeline

        return Pipeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
