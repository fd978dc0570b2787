#!/usr/bin/env python3
"""What step 11 itself costs: a whole login, and a second run that has a token.

    cargo build --release --bin step9 --bin step11 && scripts/bench_client.py

Runs step 9 with its development authorization server, and step 11 against it: from a 401 over discovery,
registration, the login of a user (scripts/login_bot.sh) and the token to a tool's answer; then once more
with the token that it kept. Eleven rounds, the first is not counted. "Without the login" is the time on the clock
without that of login_bot.sh: the client and all answers of the server. CPU time and memory are those of step 11 alone.
Needs Linux, curl and python3.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PROGRAMS = Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target")) / "release"
ROUNDS = 11


def main() -> None:
    for step in ("step9", "step11"):
        if not (PROGRAMS / step).exists():
            sys.exit(f"{PROGRAMS / step} is not there: cargo build --release --bin {step}")
    with tempfile.TemporaryDirectory(prefix="mcp-auth.") as work:
        command = [PROGRAMS / "step9", "--port", "0", "--keys-dir", f"{work}/keys"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            try:
                line = next(line for line in server.stdout if line.startswith("listening on "))
                port = line.rsplit(":", 1)[1].strip()
                report([round_trip(f"http://localhost:{port}/mcp", work) for _ in range(ROUNDS)][1:])
            finally:
                server.terminate()


def round_trip(url: str, work: str) -> tuple[dict, dict]:
    credentials = Path(work) / "credentials.json"
    credentials.unlink(missing_ok=True)
    return run(url, credentials), run(url, credentials)


def run(url: str, credentials: Path) -> dict:
    """One run of step 11: seconds in total and for the login, CPU seconds, megabytes."""
    command = [PROGRAMS / "step11", url, "--no-browser", "--credentials-file", credentials, "--call", 'echo={"message":"hi"}']
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MCP_")}
    began, person = time.monotonic(), 0.0
    client = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    story = []
    for line in client.stderr:
        story.append(line)
        page = re.search(r"https?://\S+[?&]code_challenge=\S+", line)
        if page and not person:
            opened = time.monotonic()
            subprocess.run([TOP / "scripts/login_bot.sh", page.group()], check=True)
            person = time.monotonic() - opened
    answer = client.stdout.read()
    _, status, usage = os.wait4(client.pid, 0)
    took = time.monotonic() - began
    client.returncode = os.waitstatus_to_exitcode(status)
    if client.returncode != 0 or '"hi"' not in answer:
        sys.exit(f"step 11 ended with {client.returncode}:\n" + "".join(story[-12:]))
    cpu, megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    return {"took": took, "person": person, "cpu": cpu, "memory": megabytes}


def report(rounds: list[tuple[dict, dict]]) -> None:
    for title, runs in (("login", [first for first, _ in rounds]), ("kept token", [second for _, second in rounds])):
        alone = statistics.median(run["took"] - run["person"] for run in runs) * 1e3
        cpu = statistics.median(run["cpu"] for run in runs) * 1e3
        memory = max(run["memory"] for run in runs)
        print(f"{title + ':':<12}without the login {alone:.0f} ms, CPU time {cpu:.0f} ms, memory {memory:.1f} MB")


main()
