"""The service as a child process, and a client of its own."""

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-the-tests-0123456789"


class Service:
    """The service as a child process, and a client of its own."""

    def __init__(self, *arguments, **options):
        self.child = subprocess.Popen(
            [sys.executable, "-m", "backend", "serve", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            **options,
        )
        self.child.stdin.write(TOKEN + "\n")
        self.child.stdin.flush()
        self.announced = json.loads(self.child.stdout.readline())
        self.port = self.announced["port"]

    def ask(self, method, path, body=None, headers=None, token=TOKEN):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            given = {"Authorization": f"Bearer {token}", **(headers or {})}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer.headers
        finally:
            connection.close()

    def submit(self, image, query=""):
        status, job, _ = self.ask("POST", f"/v1/jobs{query}", image)
        assert status == 202, job
        return job["id"]

    def result(self, job_id):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            status, plain, _ = self.ask("GET", f"/v1/jobs/{job_id}/result?wait=20")
            if status != 202:
                return status, plain
        raise AssertionError("no result within a minute")

    def stop(self):
        self.child.kill()
        self.child.communicate()


def one_sentence(plain):
    message = plain["error"]["message"]
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 400
    return message
