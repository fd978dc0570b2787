"""The parts of the READMEs that are generated from the sources.

A generated part is the code block, list or table directly below a comment that says what it is:

  <!-- generated: steps -->            the table of steps
  <!-- generated: added 6 -->          what step 6 changes in step 5, without `use` lines
  <!-- generated: added 7 "let resource" "let info" -->
                                       only from the line with the first text to the line with the second; several pairs
                                       may follow each other
  <!-- generated: read 6 src/auth/bearer.rs authenticate, BearerAuth; src/auth/claims.rs -->
                                       the files and items to read for step 6, with the number of their lines
  <!-- generated: snippet scripts/own_server/src/main.rs rmcp -->
                                       the lines between `// snippet: rmcp` and `// end of snippet` in that file
"""
import os, re, shlex, subprocess, tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# How many lines one must read at most for the idea of a step: its diff, and what stands under Read.
MAX_READING = {1: 120, 2: 160, 3: 160, 4: 170, 5: 120, 6: 330, 7: 200, 8: 130, 9: 260, 10: 280, 11: 420}
MIN_SHOWN, MAX_SHOWN = 8, 16  # lines of code that a step shows in the README
GAP = " …"

PART = re.compile(r"(<!-- generated: (.*?) -->\n)(```.*?\n```\n|(?:[^\n]+\n)*)", re.S)


def with_parts(path):
    """The text of a README as it should be, and what could not be generated."""
    errors = []

    def replace(match):
        try:
            return f"{match[1]}{part(match[2], path.parent)}\n"
        except (OSError, ValueError, StopIteration) as error:
            errors.append(str(error))
            return match[0]

    return PART.sub(replace, path.read_text()), errors


def part(description, folder):
    kind, first, rest = (description + "  ").split(" ", 2)
    link = lambda target: os.path.relpath(ROOT / target, folder)
    if kind == "steps":
        return steps_table(link)
    if kind == "added":
        return added_code(int(first), shlex.split(rest))
    if kind == "read":
        return reading(int(first), rest, link)[0]
    if kind == "snippet":
        return snippet(first, rest.strip())
    raise ValueError(f"unknown generated part: {description}")


def step_file(step):
    return f"src/bin/step{step}.rs"


def title(step):
    return re.match(r"//! Step \d+: (.*?)\.?\n", (ROOT / step_file(step)).read_text())[1]


def anchor(heading):
    """The fragment that GitHub gives to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


# ---- what a step adds


def code(step):
    """A step file without its header."""
    lines = (ROOT / step_file(step)).read_text().splitlines()
    return [line for line in lines if not line.startswith("//!")]


def without_imports(lines):
    begin = next(n for n, line in enumerate(lines) if line.startswith("#[tokio::main]"))
    return lines[begin:]


def unified_diff(before, after, context):
    """The lines that are the same (` `), removed (`-`) and added (`+`); GAP where lines are left out."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "before"), Path(folder, "after")
        for file, lines in zip(files, (before, after)):
            file.write_text("\n".join(lines) + "\n")
        out = subprocess.run(["diff", "-U", str(context), *map(str, files)], capture_output=True, text=True).stdout
    return [GAP if line.startswith("@@") else line for line in out.splitlines()[3:]]


def changed_lines(step):
    """The lines that a step adds (`+`) and removes (`-`), `use` lines too; steps 1 and 11 are new as a whole."""
    if step in (1, 11):
        return ["+" + line for line in code(step)]
    return [line for line in unified_diff(code(step - 1), code(step), 0) if line != GAP]


def changes(step):
    lines = changed_lines(step)
    if step in (1, 11):
        return f"{len(lines)} lines"
    return "+{} -{}".format(*(sum(line[0] == sign for line in lines) for sign in "+-"))


def added_code(step, pairs):
    if step in (1, 11):
        language, changed = "rust", filled(code(step))
    else:
        language = "diff"
        # A few lines alone say little: as much context as they need.
        for context in range(4):
            changed = filled(unified_diff(*(without_imports(code(n)) for n in (step - 1, step)), context))
            if pairs or len(changed) >= MIN_SHOWN:
                break
    shown = changed if not pairs else []
    for first, last in zip(pairs[::2], pairs[1::2]):
        begin = next((n for n, line in enumerate(changed) if first in line), None)
        end = next((n for n, line in enumerate(changed) if n >= (begin or 0) and last in line), None)
        if begin is None or end is None:
            raise ValueError(f"step {step} adds no lines from {first!r} to {last!r}")
        shown += ([GAP] if shown else []) + changed[begin : end + 1]
    if len(shown) > MAX_SHOWN:
        raise ValueError(f"step {step} shows {len(shown)} lines, at most {MAX_SHOWN} fit: choose with \"first\" \"last\"")
    return f"```{language}\n" + "\n".join(shown) + "\n```"


# ---- what there is to read


def item(lines, name):
    """Where an item stands in the lines of a Rust file: first and last line, counted from 0, with its docs."""
    within = range(len(lines))
    if "::" in name:
        owner, name = name.split("::")
        blocks = [n for n, line in enumerate(lines) if re.match(rf"impl\b.*\b{owner}\b", line)]
        within = [n for block in blocks for n in range(block, end_of(lines, block))]
    kinds = r"(pub(\(\w+\))? )?(const |async )*(fn|struct|enum|trait|type|const|static|mod|impl) "
    pattern = re.compile(r"\s*" + (re.escape(name) + r"\b" if name.startswith("impl") else kinds + re.escape(name) + r"\b"))
    begin = next((n for n in within if pattern.match(lines[n])), None)
    if begin is None:
        return None
    end = end_of(lines, begin)
    while begin and re.match(r"\s*(///|#\[)", lines[begin - 1]):
        begin -= 1
    return begin, end


def end_of(lines, begin):
    """The last line of the item that begins here: rustfmt puts its closing bracket below its first letter."""
    indent = re.match(r"\s*", lines[begin])[0]
    for n in range(begin, len(lines)):
        ends_here = lines[n].endswith((";", "}")) and n == begin
        if ends_here or re.match(indent + r"([}\])]+;?|.*;)$", lines[n]) and not lines[n].startswith(indent + " "):
            return n
        if n > begin and lines[begin].endswith("=") and lines[n].endswith(";"):
            return n
    raise ValueError(f"no end of {lines[begin]}")


def without_tests(lines):
    tests = next((n for n, line in enumerate(lines) if line.startswith("#[cfg(test)]")), len(lines))
    return lines[:tests]


def filled(lines):
    """The lines of a file or of a diff that are not empty."""
    return [line for line in lines if line.strip("+- ")]


def reading(step, places, link):
    """The list of what to read for a step, and how many lines that is. Empty lines and tests do not count."""
    own = sum(line[0] == "+" for line in filled(changed_lines(step)))
    total, entries = own, [f"[step{step}.rs]({link(step_file(step))}) ({own}{' new' if 1 < step < 11 else ''})"]
    for place in filter(None, map(str.strip, places.split(";"))):
        file, _, names = place.partition(" ")
        lines, shown = without_tests((ROOT / file).read_text().splitlines()), []
        short = file.removeprefix("src/")
        if not names:
            count = len(filled(lines))
            entries.append(f"[{short}]({link(file)}) ({count})")
            total += count
            continue
        for name in map(str.strip, names.split(",")):
            found = item(lines, name)
            if found is None:
                raise ValueError(f"{file} has no item {name}")
            count = len(filled(lines[found[0] : found[1] + 1]))
            shown.append(f"[`{name}`]({link(file)}#L{found[0] + 1}-L{found[1] + 1}) ({count})")
            total += count
        entries.append(f"[{short}]({link(file)}): " + ", ".join(shown))
    if total > MAX_READING[step]:
        raise ValueError(f"step {step} has {total} lines to read, at most {MAX_READING[step]}")
    return f"**Read** ({total} lines): " + " · ".join(entries), total


def readings():
    """How many lines there are to read for each step, from the descriptions in README.md."""
    found = re.findall(r"<!-- generated: read (\d+) (.*?) -->", (ROOT / "README.md").read_text())
    return {int(step): reading(int(step), places, str)[1] for step, places in found}


def steps_table(link):
    rows, costs = ["| step | adds | diff | to read |", "|---|---|---|---|"], readings()
    for step in range(1, 12):
        heading = f"Step {step}: {title(step)}"
        cost = f"{costs[step]} lines" if step in costs else ""
        rows.append(f"| [{step}](#{anchor(heading)}) | {title(step)} | [{changes(step)}]({link(step_file(step))}) | {cost} |")
    return "\n".join(rows)


# ---- code from other files


def snippet(file, name):
    lines = (ROOT / file).read_text().splitlines()
    begin = next(n for n, line in enumerate(lines) if line.strip() == f"// snippet: {name}")
    end = next(n for n in range(begin, len(lines)) if lines[n].strip() == "// end of snippet")
    shown = lines[begin + 1 : end]
    indent = min(len(line) - len(line.lstrip()) for line in shown if line.strip())
    return "```rust\n" + "\n".join(line[indent:] for line in shown) + "\n```"
