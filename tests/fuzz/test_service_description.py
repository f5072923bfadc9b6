"""The service does what its OpenAPI description says, whatever is sent: Schemathesis makes up the requests."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-the-tests-0123456789"
#: So many requests it makes in its twenty seconds on a machine that is busy with ten other things; else hundreds.
LEAST_REQUESTS = 60


@pytest.fixture
def port():
    child = subprocess.Popen(
        [sys.executable, "-m", "backend", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    child.stdin.write(TOKEN.encode() + b"\n")
    child.stdin.flush()
    yield json.loads(child.stdout.readline())["port"]
    alive = child.poll() is None
    child.kill()
    child.communicate()
    assert alive, "the service ended"


def test_every_answer_is_as_described(port):
    """No server error, every status, header and body as described; what the description forbids is refused."""
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "--config-file",
        "tests/fuzz/schemathesis.toml",
    ]
    command += ["run", f"http://127.0.0.1:{port}/openapi.json", "--header", f"Authorization: Bearer {TOKEN}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    said = "\n".join(line[:300] for line in done.stdout.splitlines())  # requests hold whole images
    assert done.returncode == 0, said + done.stderr
    counted = re.search(r"(\d+) generated, (\d+) passed", said)
    assert counted, said
    print("\n" + counted[0])
    assert int(counted[2]) >= LEAST_REQUESTS
    assert re.search(r"Tested: 5\b", said)
