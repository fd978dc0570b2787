#!/usr/bin/env python3
"""Runs every command of every README and compares the output with what the README shows.

In a ```console block, a line that begins with `$ ` is a command, and the lines below it are its output. `[..]` stands for
anything within a line, and a line `...` for any number of lines. `cargo run --bin stepN` starts a server, which runs until
the next one starts. Everything else runs in one shell per README, in order, in the root of the repository; a script fills
in the login form. A block after `<!-- needs: WORD -->` runs only when WORD is given as an argument. Commands that stand
elsewhere in the text must exist, with their flags, and must be run by .ci/run or be listed under NOT_RUN with the reason.

  scripts/test_readme.py [WORD ...]   run and compare, for example: scripts/test_readme.py keycloak
  scripts/test_readme.py --static     only generated parts, links, exercises that apply, and that commands exist; needs no build
  scripts/test_readme.py --write      bring generated parts up to date, see scripts/readme_parts.py
  scripts/test_readme.py --only FILE  only this README
"""
import os, re, subprocess, sys, tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from readme_parts import PART, ROOT, anchor, with_parts

MAX_LINES, MAX_STEP_LINES = 750, 55
STEP_PARTS = ["**Problem.**", "**Spec.**", "generated: added", "```console", "**What happened**", "**Read**", "**Check**", "**Break it**"]

# Commands in running text that neither this script nor .ci/run runs: how they begin, and why.
NOT_RUN = {
    "git apply": "scripts/break_it/check.sh applies and reverses all exercises",
    ".ci/run": "runs this script",
    "cargo test --test it": "a part of cargo test",
    "cargo run --bin gen-token -- --generate-keys": "tests/it/gen_token.rs runs it; here it would replace your keys",
    "cargo run --bin step11 -- --check ISSUER": "tests/it/client/check.rs and scripts/test_keycloak.sh run it",
    "BROWSER=xdg-open cargo run": "scripts/test_clients.sh runs the program with a script in place of the browser",
    "cargo bench": "takes minutes and checks nothing; clippy builds it",
    "cargo build --release": "a build without other options",
    "scripts/bench.sh": "takes nine minutes and needs a quiet machine",
    "scripts/bench_": "part of the benchmarks",
    "COVER=all scripts/fuzz.sh 600": "takes more than an hour; .ci/run fuzzes each parser for 20 s",
    "AWS_LC_SYS_SMALL=1 cargo build": "a second build of all C code",
    "cargo run --manifest-path scripts/own_server/Cargo.toml": "scripts/test_own_server.sh builds and runs these programs",
    "claude ": "a program that is not ours",
    "npx ": "scripts/test_clients.sh runs the same program from its package",
    "openssl rand": "a program that is not ours",
    "scripts/screenshots.sh": "its picture is in the repository",
}


# ---- servers and the shell


class Shell:
    """One bash in which the commands of a README run, so that a variable set by one is there for the next."""

    END = "--end-of-command--"

    def __init__(self, folder):
        login = ROOT / "scripts/login_bot.sh"
        environment = os.environ | {"BROWSER": str(login), "XDG_CONFIG_HOME": folder}
        self.bash = subprocess.Popen(["bash"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, bufsize=1, env=environment)

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

    def stop(self):
        self.bash.terminate()
        self.bash.wait(20)


def step_binary(name):
    """A built program of this crate."""
    if "STEP_BIN_DIR" in os.environ:
        return Path(os.environ["STEP_BIN_DIR"], name)
    subprocess.run(["cargo", "build", "-q", "--bin", name], cwd=ROOT, check=True)
    return ROOT / "target/debug" / name


class Server:
    """The step that runs now."""

    COMMAND = re.compile(r"cargo run (?:-q )?--bin (step(?:[1-9]|10))\b(?: -- )?(.*)")

    def __init__(self):
        self.process = None

    def start(self, command):
        """Builds first, so that the wait for the port is short; returns the first lines of output."""
        self.stop()
        name, arguments = self.COMMAND.match(command).groups()
        self.process = subprocess.Popen([step_binary(name), *arguments.split()], cwd=ROOT, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        last = "try:" if name == "step10" else "next:"   # no server comes after step 10
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith(last):
                break
        return lines

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


# ---- what a README says


def readmes():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / "README.md", *(ROOT / name for name in listed.stdout.split() if name != "README.md")]


def blocks(text):
    """(line number, word that it needs or None, [(command, expected output lines)]) for each console block"""
    for match in re.finditer(r"(?:<!-- needs: (\S+) -->\n+)?```console\n(.*?)```", text, re.S):
        commands = []
        for line in match[2].splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            else:
                commands[-1][1].append(line)
        yield text.count("\n", 0, match.start(2)) + 1, match[1], commands


def mentioned_commands(text):
    """The commands in running text, in tables and in ```sh blocks."""
    plain = PART.sub("", re.sub(r"```console\n.*?```", "", text, flags=re.S))
    for block in re.findall(r"```sh\n(.*?)```", plain, re.S):
        yield from block.splitlines()
    plain = re.sub(r"```.*?```", "", plain, flags=re.S)
    for command in re.findall(r"`([^`\n]+)`", plain):
        if re.match(r"([A-Z_]+=\S+ )*(cargo|npx|claude|openssl|scripts/[\w/]+\.(sh|py)|\.ci/run)( |$)", command):
            yield command


def matches(expected, actual):
    if not expected:
        return not actual
    if expected[0].strip() == "...":
        return any(matches(expected[1:], actual[n:]) for n in range(len(actual) + 1))
    if not actual:
        return False
    pattern = ".*".join(map(re.escape, expected[0].split("[..]")))
    return re.fullmatch(pattern, actual[0]) is not None and matches(expected[1:], actual[1:])


# ---- checks


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, ok, what, detail=""):
        self.passed, self.failed = self.passed + ok, self.failed + (not ok)
        print(("ok    " if ok else "FAIL  ") + what + ("" if ok or not detail else "\n  " + detail), flush=True)


def check_parts(checks, path, write):
    name = path.relative_to(ROOT)
    fresh, errors = with_parts(path)
    for error in errors:
        checks.check(False, f"{name}: {error}")
    if write:
        path.write_text(fresh)
    checks.check(fresh == path.read_text(), f"{name}: generated parts are up to date", "run scripts/test_readme.py --write")


def check_links(checks, path):
    text = path.read_text()
    headings = {}
    for target in sorted(set(re.findall(r"\]\(((?!https?:|mailto:)[^)]+)\)", text))):
        file, _, fragment = target.partition("#")
        found = (path.parent / file) if file else path
        ok = found.exists()
        if ok and fragment and found.suffix == ".md":
            if found not in headings:
                lines = re.findall(r"^#+ (.*)$", found.read_text(), re.M)
                headings[found] = {anchor(re.sub(r"[`*]", "", line)) for line in lines}
            ok = fragment in headings[found]
        checks.check(ok, f"{path.relative_to(ROOT)}: the link {target} leads somewhere")


def check_steps(checks):
    """The tutorial stays short, and each step has all parts in the same order."""
    text = (ROOT / "README.md").read_text()
    lines = text.count("\n")
    checks.check(lines < MAX_LINES, f"README.md has fewer than {MAX_LINES} lines", f"it has {lines}")
    for number, step in re.findall(r"^## (Step \d+):.*?\n(.*?)(?=^## )", text, re.M | re.S):
        lines = step.count("\n")
        checks.check(lines <= MAX_STEP_LINES, f"README.md, {number}: at most {MAX_STEP_LINES} lines", f"it has {lines}")
        places = [step.find(part) for part in STEP_PARTS]
        checks.check(-1 not in places and places == sorted(places), f"README.md, {number}: has {', '.join(STEP_PARTS)}, in this order")


def check_exercises(checks):
    """Each exercise fits the sources; scripts/break_it/check.sh also runs them."""
    for patch in sorted((ROOT / "scripts/break_it").glob("*.patch")):
        tried = subprocess.run(["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True)
        checks.check(tried.returncode == 0, f"scripts/break_it/{patch.name} applies", tried.stderr.strip())


def program(command):
    """What a command runs: a script, a program of this crate, or, for anything else, the command itself."""
    found = re.search(r"scripts/[\w/]+\.(sh|py)|--bin \S+", command)
    return found[0] if found else command


def check_mentioned(checks, path):
    """A command in running text exists, and something runs it or NOT_RUN says why not."""
    pipeline = (ROOT / ".ci/run").read_text() + (ROOT / "scripts/test_all.sh").read_text()
    run_here = {program(command) for file in readmes() for _, _, commands in blocks(file.read_text()) for command, _ in commands}
    for command in sorted(set(mentioned_commands(path.read_text()))):
        runs, name = program(command), path.relative_to(ROOT)
        if runs.startswith("scripts/"):
            checks.check(os.access(ROOT / runs, os.X_OK), f"{name}: `{command}` exists")
        is_run = runs in run_here or runs in pipeline or runs.startswith("scripts/test_step")
        checks.check(is_run or command.startswith(tuple(NOT_RUN)), f"{name}: `{command}` is run",
                     "run it in a console block or in .ci/run, or list it under NOT_RUN")


def check_settings(checks, files):
    """Each flag and each variable that a README names is one that a program or a script has, or Inspector (--header)."""
    helps = [subprocess.run([step_binary(name), "--help"], capture_output=True, text=True, check=True).stdout
             for name in ("step8", "step10", "step11", "gen-token")]
    scripts = [path.read_text() for path in (ROOT / "scripts").rglob("*") if path.suffix in (".sh", ".py", ".mjs")]
    known = {"--header"} | set(re.findall(r"--[a-z][a-z0-9-]+|\b[A-Z][A-Z_]+\b", "\n".join(helps + scripts)))
    for path in files:
        for code in sorted(set(re.findall(r"`([^`\n]+)`", PART.sub("", path.read_text())))):
            if re.match(r"(npx|claude|cargo (build|test|bench)|.*--features=)", code):
                continue
            for name in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+|\b(?:MCP|JWT|JWKS|KEYCLOAK|INTROSPECTION)_[A-Z_]+\b", code):
                checks.check(name in known, f"{path.relative_to(ROOT)}: {name} exists")


def run_commands(checks, path, words):
    """Returns how many blocks were left out."""
    name, left_out = path.relative_to(ROOT), 0
    with tempfile.TemporaryDirectory() as folder:
        shell, server = Shell(folder), Server()
        try:
            for line, needs, commands in blocks(path.read_text()):
                if needs and needs not in words:
                    left_out += 1
                    print(f"left out: {name}:{line} needs {needs}")
                    continue
                for command, expected in commands:
                    actual = server.start(command) if Server.COMMAND.match(command) else shell.run(command)
                    ok = matches(expected, actual)
                    detail = "expected:\n    " + "\n    ".join(expected) + "\n  got:\n    " + "\n    ".join(actual)
                    checks.check(ok, f"{name}:{line}: {command}", detail)
        finally:
            server.stop()
            shell.stop()
    return left_out


def main():
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    files = readmes()
    if "--only" in arguments:
        at = arguments.index("--only")
        files = [ROOT / arguments[at + 1]]
        del arguments[at : at + 2]
    write, static = "--write" in arguments, "--static" in arguments
    words = {word for word in arguments if not word.startswith("-")}
    checks, left_out = Checks(), 0
    for path in files:
        check_parts(checks, path, write)
        check_links(checks, path)
        check_mentioned(checks, path)
    check_steps(checks)
    check_exercises(checks)
    if not static and not write:
        check_settings(checks, files)
    for path in files:
        if not static and not write:
            left_out += run_commands(checks, path, words)
    if left_out:
        print(f"{left_out} blocks left out")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 0 if checks.failed == 0 and checks.passed else 1


if __name__ == "__main__":
    sys.exit(main())
