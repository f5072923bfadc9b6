"""Reads cut-out figures with MediaPipe Pose. Runs in MediaPipe's own environment: numpy and mediapipe only.

    python mediapipe_runner.py FOLDER OUT.json REPEATS

``FOLDER`` holds ``00000.npy``, ``00001.npy``, ...: (S, S, 3) uint8. ``OUT.json`` gets a list with, for each, the
33 landmarks (pixels) and world landmarks (metres), or null, and the seconds of the processor in the fastest of REPEATS runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

if hasattr(os, "sched_setaffinity"):  # one core, as for our own pipeline
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])

import mediapipe  # pyright: ignore[reportMissingImports]
import numpy as np


def main(folder: Path, out: Path, repeats: int) -> None:
    """Read every array of a folder."""
    pose = mediapipe.solutions.pose.Pose(static_image_mode=True, model_complexity=1)
    records = []
    for path in sorted(folder.glob("*.npy")):
        image = np.load(path)
        seconds, result = np.inf, None
        for _ in range(repeats):
            start = time.process_time()
            result = pose.process(image)
            seconds = min(seconds, time.process_time() - start)
        record = {"seconds": seconds, "points": None, "world": None}
        if result is not None and result.pose_landmarks:
            height, width = image.shape[:2]
            points = result.pose_landmarks.landmark
            record["points"] = [[p.x * width - 0.5, p.y * height - 0.5] for p in points]
            record["world"] = [[p.x, p.y, p.z] for p in result.pose_world_landmarks.landmark]
        records.append(record)
    out.write_text(json.dumps(records))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
