"""The relay: one service asks another, a process of its own, over http on this machine or over https."""

import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backend.address import read_address
from backend.api import PoseRequest
from backend.errors import InputError
from backend.jobs import Cancelled, ServiceError
from backend.relay import RelayPoser

ROOT = Path(__file__).parents[2]
DRAWING = (ROOT / "examples" / "stick_wave.png").read_bytes()
TOKEN = "a-token-for-the-tests-0123456789"


def pose(relay, image=DRAWING, report=lambda stage, share: None):
    return relay.pose(PoseRequest(image, hypotheses=1), report)


def refused(relay, **options):
    with pytest.raises(ServiceError) as caught:
        pose(relay, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert caught.value.failure.code == "remote"
    return sentence


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The service on the team's machine: a second process, with a token file; returns its port."""
    path = tmp_path_factory.mktemp("other") / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    command = [sys.executable, "-m", "backend", "serve", "--token-file", str(path)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    yield int(child.stdout.readline().rpartition(":")[2].split(";")[0])
    child.kill()
    child.communicate()


def test_poses_there_and_tells_the_stages(other):
    seen = []
    result = pose(RelayPoser(f"http://127.0.0.1:{other}", TOKEN), report=lambda *told: seen.append(told))
    assert len(result.images[0].figures) == 1
    assert result.generator.engine == "onnx"
    assert all(stage in ("opened", "found", "read", "lifted") for stage, _ in seen)


def test_what_is_wrong_with_the_drawing_is_the_drawings_fault(other):
    with pytest.raises(ServiceError, match="no image that can be read") as caught:
        pose(RelayPoser(f"http://127.0.0.1:{other}", TOKEN), image=b"no image")
    assert caught.value.failure.code == "input"


def test_a_cancelled_drawing_is_cancelled_there(other, monkeypatch):
    asked = []
    relay = RelayPoser(f"http://127.0.0.1:{other}", TOKEN)
    ask = relay._ask

    def watched(method, path, body=None):
        asked.append((method, path))
        if method == "GET":
            return 202, json.dumps({"id": "ab", "state": "running", "progress": 0.5, "error": None}).encode()
        return ask(method, path, body)

    monkeypatch.setattr(relay, "_ask", watched)

    def nobody_waits(stage, share):
        raise Cancelled

    with pytest.raises(Cancelled):
        pose(relay, report=nobody_waits)
    assert asked[-1][0] == "DELETE"


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes its certificate with openssl")
def test_https_with_a_certificate_of_ones_own(tmp_path):
    """Trusted where its file is given, refused in one sentence elsewhere."""
    key, certificate, token = tmp_path / "key.pem", tmp_path / "certificate.pem", tmp_path / "token"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(make, check=True, capture_output=True)
    token.write_text(TOKEN)
    token.chmod(0o600)
    command = [sys.executable, "-m", "backend", "serve", "--host", "0.0.0.0", "--token-file", token]  # noqa: S104
    command += ["--certificate", certificate, "--key", key]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        said = child.stdout.readline()
        assert "https://0.0.0.0:" in said
        address = f"https://127.0.0.1:{int(said.rpartition(':')[2].split(';')[0])}"
        assert len(pose(RelayPoser(address, TOKEN, certificate)).images[0].figures) == 1
        assert "certificate that is not trusted" in refused(RelayPoser(address, TOKEN))
    finally:
        child.kill()
        child.communicate()
    with pytest.raises(InputError, match="certificate file"):
        RelayPoser(address, TOKEN, token)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0"], "give --token-file, --certificate and --key"),  # noqa: S104
        (["--host", "0.0.0.0", "--token-file", "t"], "give --token-file, --certificate and --key"),  # noqa: S104
        (["--certificate", "c"], "belong together"),
        (["--relay", "https://gpu", "--token-file", "t"], "standard input"),
    ],
)
def test_others_are_let_in_only_with_token_file_and_https(options, words):
    command = [sys.executable, "-m", "backend", "serve", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, input=TOKEN + "\n")
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_token_is_one_sentence(other):
    assert "token" in refused(RelayPoser(f"http://127.0.0.1:{other}", "wrong-" + TOKEN))


def test_nobody_there_is_one_sentence():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "refuses connections" in refused(RelayPoser(f"http://127.0.0.1:{port}", TOKEN))


def test_a_name_that_nobody_has_is_one_sentence():
    assert "not known" in refused(RelayPoser("https://no-such-name.invalid", TOKEN))


def test_https_is_asked_of_a_server_that_has_none(other):
    assert "https" in refused(RelayPoser(f"https://127.0.0.1:{other}", TOKEN))


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({}, b"<html>hello</html>", "no Sketch2Pose service"),
        ({"Sketch2Pose-Protocol": "2"}, b"{}", "speaks protocol '2'"),
        ({"Sketch2Pose-Protocol": "1"}, b"{}", "no Sketch2Pose service"),
        ({"Sketch2Pose-Protocol": "1"}, b"[" * 100_000, "no Sketch2Pose service"),
    ],
)
def test_what_is_not_ours_or_of_another_version_is_one_sentence(headers, body, words):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(202)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert words in refused(RelayPoser(f"http://127.0.0.1:{server.server_port}", TOKEN))
        server.shutdown()


def test_one_who_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr("backend.relay.ANSWER_SECONDS", 0.3)
    with socket.socket() as hung:
        hung.bind(("127.0.0.1", 0))
        hung.listen()
        assert "no answer" in refused(RelayPoser(f"http://127.0.0.1:{hung.getsockname()[1]}", TOKEN))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://gpu.example.org:8765", ("https", "gpu.example.org", 8765, "")),
        (" https://gpu.example.org/poses/ ", ("https", "gpu.example.org", 443, "/poses")),
        ("http://127.0.0.1:9", ("http", "127.0.0.1", 9, "")),
        ("http://[::1]:9", ("http", "::1", 9, "")),
        ("http://localhost", ("http", "localhost", 80, "")),
    ],
)
def test_addresses(text, expected):
    assert read_address(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "gpu:8765", "ftp://gpu", "https://", "https://user:secret@gpu", "https://gpu?x=1", "https://gpu:99999",
     "https://gpu/a b", "http://gpu.example.org", "http://10.0.0.2:8765", "https://gpu\r\nX: y", "file:///etc/passwd"],
)  # fmt: skip
def test_addresses_that_are_none_or_not_safe(text):
    with pytest.raises(InputError) as caught:
        read_address(text)
    assert str(caught.value).endswith(".")
    assert "secret" not in str(caught.value).replace(text.strip()[:80], "")
