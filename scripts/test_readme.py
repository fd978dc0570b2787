#!/usr/bin/env python3
"""Runs every command of README.md and compares what it prints with what the README shows.

In a ```console block, a line that begins with `$ ` is a command and the lines below it are its output; `[..]` stands
for anything within a line, a line `...` for any number of lines. `cargo run --bin stepN` starts a server, which runs
until the next one is started; everything else runs in one shell, in order. A block after `<!-- needs: WORD -->` runs
only when WORD is given as an argument, and is counted as left out otherwise.

  scripts/test_readme.py [WORD ...]   run and compare
  scripts/test_readme.py --write      bring the generated parts (the table of steps) up to date
"""
import os, re, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def below_header(step):
    text = (ROOT / f"src/bin/step{step}.rs").read_text()
    return [line for line in text.splitlines() if not line.startswith("//!")]


def table():
    rows = ["| step | idea | added, removed | file |", "|---|---|---|---|"]
    for step in range(1, 12):
        path = ROOT / f"src/bin/step{step}.rs"
        if not path.exists():
            continue
        title = re.match(r"//! Step \d+: (.*?)\.?\n", path.read_text()).group(1)
        change = f"{len(below_header(step))} lines"
        if 1 < step < 11:
            with tempfile.TemporaryDirectory() as folder:
                names = []
                for n in (step - 1, step):
                    names.append(Path(folder) / str(n))
                    names[-1].write_text("\n".join(below_header(n)) + "\n")
                out = subprocess.run(["diff", *map(str, names)], capture_output=True, text=True).stdout
            count = lambda mark: sum(line.startswith(mark) for line in out.splitlines())
            change = f"+{count('>')} -{count('<')}"
        rows.append(f"| [{step}](#step-{step}-{anchor(title)}) | {title} | {change} | [step{step}.rs](src/bin/step{step}.rs) |")
    return "\n".join(rows)


def anchor(title):
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def generated(text):
    return re.sub(r"(<!-- steps:.*?-->\n).*?(<!-- /steps -->)", lambda m: m[1] + "\n" + table() + "\n\n" + m[2], text, flags=re.S)


def matches(expected, actual):
    if not expected:
        return not actual
    if expected[0].strip() == "...":
        return any(matches(expected[1:], actual[n:]) for n in range(len(actual) + 1))
    if not actual:
        return False
    pattern = ".*".join(map(re.escape, expected[0].split("[..]")))
    return re.fullmatch(pattern, actual[0]) is not None and matches(expected[1:], actual[1:])


class Shell:
    """One bash in which the commands run, so that a variable set by one is there for the next."""

    END = "--end-of-command--"

    def __init__(self):
        self.bash = subprocess.Popen(["bash"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, bufsize=1)

    def run(self, command):
        self.bash.stdin.write(f"{{ {command}\n}} </dev/null; echo; echo {self.END}\n")
        self.bash.stdin.flush()
        lines = []
        for line in self.bash.stdout:
            if line.strip() == self.END:
                break
            lines.append(line.rstrip("\n"))
        while lines and not lines[-1]:
            lines.pop()
        return lines


class Servers:
    def __init__(self):
        self.process = None

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def start(self, command):
        """Builds first, so that the wait for the port is short; returns the first lines of output."""
        self.stop()
        name, arguments = re.match(r"cargo run (?:-q )?--bin (\S+)(?: -- )?(.*)", command).groups()
        folder = Path(os.environ.get("STEP_BIN_DIR", ROOT / "target/debug"))
        if "STEP_BIN_DIR" not in os.environ:
            subprocess.run(["cargo", "build", "-q", "--bin", name], cwd=ROOT, check=True)
        self.process = subprocess.Popen([folder / name, *arguments.split()], cwd=ROOT, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("try:"):
                break
        return lines


def blocks(text):
    """(line number, word that it needs or None, [(command, expected output lines)])"""
    for match in re.finditer(r"(?:<!-- needs: (\S+) -->\n+)?```console\n(.*?)```", text, re.S):
        commands = []
        for line in match[2].splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            else:
                commands[-1][1].append(line)
        yield text.count("\n", 0, match.start(2)) + 1, match[1], commands


def main():
    text = README.read_text()
    if "--write" in sys.argv:
        README.write_text(generated(text))
        return 0
    have, passed, failed, left_out = set(sys.argv[1:]), 0, 0, 0

    def check(ok, what, detail=""):
        nonlocal passed, failed
        passed, failed = passed + ok, failed + (not ok)
        print(("ok    " if ok else "FAIL  ") + what + ("" if ok else "\n" + detail), flush=True)

    check(generated(text) == text, "the generated parts are up to date", "run scripts/test_readme.py --write")
    for target in sorted(set(re.findall(r"\]\(((?!https?:|#|mailto:)[^)#]+)", text))):
        check((ROOT / target).exists(), f"the link to {target} leads somewhere")
    headings = {anchor(re.sub(r"[`*]", "", h)) for h in re.findall(r"^#+ (.*)$", text, re.M)}
    for target in sorted(set(re.findall(r"\]\(#([^)]+)\)", text))):
        check(target in headings, f"the link to #{target} leads somewhere")

    shell, servers = Shell(), Servers()
    try:
        for line, needs, commands in blocks(text):
            if needs and needs not in have:
                left_out += 1
                print(f"left out: line {line}, needs {needs}")
                continue
            for command, expected in commands:
                is_server = re.match(r"cargo run (-q )?--bin step([1-9]|10)\b", command)
                actual = servers.start(command) if is_server else shell.run(command)
                detail = "  expected:\n    " + "\n    ".join(expected) + "\n  got:\n    " + "\n    ".join(actual)
                check(matches(expected, actual), f"line {line}: {command}", detail)
    finally:
        servers.stop()
        shell.bash.terminate()
    if left_out:
        print(f"{left_out} blocks left out")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed else 1


if __name__ == "__main__":
    sys.exit(main())
