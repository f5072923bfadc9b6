"""The preferences: engine, device, body, the test of a prediction, diagnostics, and PyTorch's buttons."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import addon_utils
import bpy
import numpy as np
import pytest

from backend.body import LIGHT_BODY
from sketch2pose_blender.core.boundary import InstallError
from sketch2pose_blender.ui import diagnostics, preferences, service, torch_engine

MODULE = "sketch2pose_blender"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(empty_file):
    """The preferences of the extension, switched on as a person switches on an add-on."""
    addon_utils.enable(MODULE, default_set=True)
    yield bpy.context.preferences.addons[MODULE].preferences
    addon_utils.disable(MODULE, default_set=True)


def test_the_test_button_poses_and_tells_what_with(settings):
    assert bpy.ops.sketch2pose.test() == {"FINISHED"}
    text = "\n".join(diagnostics.trial.lines)
    assert not diagnostics.trial.failed
    assert "Engine: onnx on cpu" in text
    assert "Weights: keypoints_s " in text
    first, second = diagnostics.trial.seconds
    print(f"\n{first:.2f} s with the start, then {1e3 * second:.0f} ms")
    assert second < first


def test_the_test_button_tells_what_is_wrong(settings):
    settings.engine = "torch"
    with pytest.raises(RuntimeError, match="PyTorch is not installed"):
        bpy.ops.sketch2pose.test()
    assert diagnostics.trial.failed
    assert not diagnostics.trial.busy
    settings.engine = "onnx"
    settings.device = "cuda"
    with pytest.raises(RuntimeError, match="does not run on cuda here; choose auto or cpu"):
        bpy.ops.sketch2pose.test()
    settings.device = "auto"
    assert bpy.ops.sketch2pose.test() == {"FINISHED"}


@pytest.mark.parametrize(
    ("engine", "device", "expected"),
    [
        ("auto", "auto", ("auto", "auto")), ("auto", "cpu", ("auto", "cpu")), ("auto", "cuda", ("torch", "cuda")),
        ("onnx", "cuda", ("onnx", "cuda")), ("torch", "cpu", ("torch", "cpu")),
    ],
)  # fmt: skip
def test_engine_and_device(settings, engine, device, expected):
    settings.engine, settings.device = engine, device
    assert preferences.engine(bpy.context) == expected
    if expected[0] == "torch":
        with pytest.raises(InstallError, match="install it in the extension's preferences"):
            service.server(bpy.context)
    else:
        server = service.server(bpy.context)
        assert (server.engine, server.device, server.python) == (*expected, None)


def test_pytorch_runs_with_its_own_python(settings, monkeypatch, tmp_path):
    folder = tmp_path / "torch"
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (folder / "complete.json").write_text('{"torch": "2.13.0", "cuda": null}')
    monkeypatch.setattr(preferences, "user_folder", lambda name: str(tmp_path / name))
    settings.engine = "torch"
    server = service.server(bpy.context)
    assert server.python == python
    assert server.import_folders == ()
    assert server.command()[0] == str(python)
    assert "--engine torch --device auto" in " ".join(server.command())
    torch_engine.stop()


def test_a_server_poses_in_this_machines_place(settings, tmp_path):
    """A second process plays the team's machine."""
    token = tmp_path / "token"
    token.write_text("a-token-for-the-tests-0123456789")
    token.chmod(0o600)
    command = [sys.executable, "-m", "backend", "serve", "--token-file", str(token)]
    other = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        port = int(other.stdout.readline().rpartition(":")[2].split(";")[0])
        settings.server_address = f"http://127.0.0.1:{port}"
        with pytest.raises(RuntimeError, match="wants a token"):
            bpy.ops.sketch2pose.test()
        settings.server_token = token.read_text()
        assert bpy.ops.sketch2pose.test() == {"FINISHED"}
        assert f"Server: http://127.0.0.1:{port}" in diagnostics.trial.lines
        assert token.read_text() not in diagnostics.diagnostics(bpy.context)
        (client,) = sys.modules["sketch2pose_blender.core.client"]._clients.values()
        assert token.read_text().encode() not in Path(f"/proc/{client.pid}/cmdline").read_bytes()
        settings.server_token = "wrong-" + token.read_text()
        with pytest.raises(RuntimeError, match="does not accept the token"):
            bpy.ops.sketch2pose.test()
        settings.server_token = token.read_text()
    finally:
        other.kill()
        other.communicate()
    with pytest.raises(RuntimeError, match="refuses connections"):
        bpy.ops.sketch2pose.test()


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes its certificate with openssl")
def test_a_server_with_a_certificate_of_its_own(settings, tmp_path):
    """It poses where the certificate is named; in any other case one sentence says what is wrong."""
    key, certificate, token = (tmp_path / name for name in ("key.pem", "certificate.pem", "token"))
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    token.write_text("a-token-for-the-tests-0123456789")
    token.chmod(0o600)
    command = [sys.executable, "-m", "backend", "serve", "--token-file", token]
    command += ["--certificate", certificate, "--key", key]
    other = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        port = int(other.stdout.readline().rpartition(":")[2].split(";")[0])
        settings.server_address, settings.server_token = f"https://127.0.0.1:{port}", token.read_text()
        with pytest.raises(RuntimeError, match="certificate that is not trusted"):
            bpy.ops.sketch2pose.test()
        settings.server_certificate = str(certificate)
        assert bpy.ops.sketch2pose.test() == {"FINISHED"}
        assert f"Server: https://127.0.0.1:{port}" in diagnostics.trial.lines
        for wrong in (token, tmp_path / "none.pem"):
            settings.server_certificate = str(wrong)
            with pytest.raises(RuntimeError, match="certificate file"):
                bpy.ops.sketch2pose.test()
    finally:
        other.kill()
        other.communicate()


def test_a_server_on_the_network_needs_online_access_and_https(settings):
    settings.server_token = "a-token-for-the-tests-0123456789"
    settings.server_address = "https://gpu.example.org:8765"
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="allow Online Access"):
        bpy.ops.sketch2pose.test()
    settings.server_address = "http://gpu.example.org:8765"
    with pytest.raises(RuntimeError, match="begins with https"):
        bpy.ops.sketch2pose.test()
    assert settings.bl_rna.properties["server_token"].subtype == "PASSWORD"
    bpy.context.preferences.system.use_online_access = True
    try:
        settings.server_address = "https://gpu.example.org:8765"
        server = service.server(bpy.context)
        assert server.relay == settings.server_address
        assert settings.server_token not in repr(server)
        assert settings.server_token not in " ".join(server.command())
    finally:
        bpy.context.preferences.system.use_online_access = False


def test_a_body_of_ones_own_as_pkl(settings, tmp_path):
    with np.load(LIGHT_BODY) as archive:
        arrays = dict(archive)
    path = tmp_path / "body.pkl"
    path.write_bytes(pickle.dumps(arrays, 2))
    settings.body_file = str(path)
    assert bpy.ops.sketch2pose.test() == {"FINISHED"}

    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "trap",)

    path = tmp_path / "hostile.pkl"
    path.write_bytes(pickle.dumps(arrays | {"v_template": Trap()}, 2))
    settings.body_file = str(path)
    with pytest.raises(RuntimeError, match="something else than numbers"):
        bpy.ops.sketch2pose.test()
    assert not (tmp_path / "trap").exists()


def test_diagnostics_say_what_a_report_needs_and_no_folders(settings, tmp_path):
    settings.body_file = str(tmp_path / "somebody" / "body.npz")
    bpy.ops.sketch2pose.copy_diagnostics()
    text = diagnostics.diagnostics(bpy.context)
    for words in (
        "Sketch2Pose:",
        bpy.app.version_string,
        sys.version.split()[0],
        "Online access: off",
        "body.npz",
    ):
        assert words in text
    assert "somebody" not in text


def test_pytorch_is_not_fetched_while_online_access_is_off(settings, tmp_path):
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.sketch2pose.torch_install()
    assert torch_engine.environment().state == "absent"
    settings.wheel_folder = str(tmp_path)
    assert torch_engine.SKETCH2POSE_OT_torch_install.obstacle(bpy.context) is None
    settings.wheel_folder = ""
    bpy.context.preferences.system.use_online_access = True
    try:
        assert torch_engine.SKETCH2POSE_OT_torch_install.obstacle(bpy.context) is None
    finally:
        bpy.context.preferences.system.use_online_access = False


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_pytorch_is_offered_on_linux(settings, monkeypatch, system, tmp_path):
    settings.wheel_folder = str(tmp_path)
    monkeypatch.setattr(sys, "platform", system)
    assert "Linux only" in (torch_engine.SKETCH2POSE_OT_torch_install.obstacle(bpy.context) or "")


def test_a_failed_installation_is_one_sentence_and_leaves_nothing(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    settings.wheel_folder = str(tmp_path)
    with pytest.raises(RuntimeError, match="stopped"):
        bpy.ops.sketch2pose.torch_install()
    assert torch_engine.environment().state == "absent"


def test_without_preferences_all_is_automatic(extension):
    assert preferences.of(bpy.context) is None
    assert preferences.engine(bpy.context) == ("auto", "auto")
    assert preferences.body_file(bpy.context) is None
