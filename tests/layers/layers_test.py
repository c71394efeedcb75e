#!/usr/bin/env python3
"""The layer rule, read from the #include lines: each layer includes only layers above it, each vendor has one adapter.

    layers_test.py ROOT        TAP on standard output, one case a layer; ROOT holds include/keyshift and src

The rule itself is the two tables below and nothing else. The checker is tested first, on small trees that break the
rule on purpose: a checker that finds nothing in them would find nothing here.
"""

import pathlib
import re
import sys
import tempfile

# DESIGN.md section 3, top to bottom. What a layer names it may use, and what those may use; `base` all may use.
LAYERS = {
    "base": [],
    "resp": ["base"],
    "command": ["resp"],
    "scheme": ["base"],
    "config": ["scheme"],
    "plan": ["command", "scheme", "resp"],
    "telemetry": ["base"],
    "net": ["base"],
    "upstream": ["net", "resp", "telemetry"],
    "proxy": ["plan", "upstream"],
    "migrate": ["net", "scheme", "plan"],
    "admin": ["telemetry", "proxy"],
    "cli": ["resp", "command", "scheme", "config", "plan", "telemetry", "net", "upstream", "proxy", "migrate", "admin"],
}

# One vendor, one adapter: headers that begin so may be included only by these layers.
VENDORS = {
    "uv.h": ["net"],
    "uv/": ["net"],
    "openssl/": ["net"],
    "hiredis/": ["net"],
    "toml++/": ["config"],
    "prometheus/": ["admin"],
    "civetweb.h": ["admin"],
    "CivetServer.h": ["admin"],
    "spdlog/": ["base"],
    "sha1.h": ["base"],
    "CLI/": ["cli"],
    "nlohmann/": ["cli", "admin"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = {".h", ".cc", ".inc"}


def may_use(layer):
    """Every layer that `layer` may include: itself, base, and the closure of its row."""
    reached, todo = set(), [layer, "base"]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += LAYERS[name]
    return reached


def table_problems():
    """What is wrong with LAYERS itself: a row may name only rows above it, so there is no way back up."""
    above, problems = set(), []
    for layer, used in LAYERS.items():
        problems += [f"the row of {layer} names {name}, which does not stand above it" for name in used
                     if name not in above]
        above.add(layer)
    problems += [f"{vendor} belongs to {name}, which is no layer" for vendor, owners in VENDORS.items()
                 for name in owners if name not in LAYERS]
    return problems


def layer_of(root, path):
    """The layer that a file under include/keyshift or src belongs to, or None."""
    for top in (root / "include" / "keyshift", root / "src"):
        if path.is_relative_to(top):
            parts = path.relative_to(top).parts
            return parts[0] if len(parts) > 1 else None
    return None


def included_layer(root, path, quote, name):
    """The layer of an included header of ours, or None where the header is not ours."""
    if name.startswith("keyshift/"):
        parts = name.split("/")
        return parts[1] if len(parts) > 2 else None
    beside = (path.parent / name).resolve()
    return layer_of(root, beside) if quote == '"' and beside.exists() else None


def check_file(root, path):
    layer, problems = layer_of(root, path), []
    text = path.read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        quote, name = match.groups()
        place = f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start(2)) + 1}"
        target = included_layer(root, path, quote, name)
        if target is not None and target not in may_use(layer):
            problems.append(f"{place}: {layer} may not include {target} ({name})")
        for vendor, owners in VENDORS.items():
            if name.startswith(vendor) and layer not in owners:
                problems.append(f"{place}: {name} belongs to {' and '.join(owners)}, not to {layer}")
    return problems


def check_tree(root):
    """Problems by layer, a row for each layer; files of no known layer stand under ''."""
    root = root.resolve()
    problems = {layer: [] for layer in LAYERS}
    problems[""] = []
    for top in (root / "include", root / "src"):
        for path in sorted(p for p in top.rglob("*") if p.suffix in SOURCES):
            layer = layer_of(root, path)
            if layer in LAYERS:
                problems[layer] += check_file(root, path)
            else:
                problems[""].append(f"{path.relative_to(root)}: belongs to no layer of the table")
    return problems


# Each: what the case shows, the files of a small tree, and the layer whose row must report it (None: all is well).
FAKE_TREES = [
    ("downward and transitive arrows pass",
     {"src/proxy/a.cc": '#include "keyshift/resp/x.h"\n#include "keyshift/base/y.h"\n#include <vector>\n'}, None),
    ("an upward arrow is caught", {"src/resp/a.cc": '#include "keyshift/plan/planner.h"\n'}, "resp"),
    ("a sideways arrow is caught", {"include/keyshift/scheme/a.h": "#  include <keyshift/resp/x.h>\n"}, "scheme"),
    ("an arrow by relative path is caught",
     {"src/base/a.cc": '#include "../net/b.h"\n', "src/net/b.h": "\n"}, "base"),
    ("a vendor header outside its adapter is caught", {"src/proxy/a.cc": "#include <uv.h>\n"}, "proxy"),
    ("a vendor header in its adapter passes", {"src/net/a.cc": "#include <uv.h>\n"}, None),
    ("a file of no layer is caught", {"src/main.cc": "int main() {}\n"}, ""),
    ("an unknown layer is caught", {"src/util/a.cc": "\n"}, ""),
]


def check_fake_tree(files, expected):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = {layer for layer, problems in check_tree(root).items() if problems}
    wanted = set() if expected is None else {expected}
    return [] if found == wanted else [f"problems found in {sorted(found)}, expected in {sorted(wanted)}"]


def main():
    root = pathlib.Path(sys.argv[1])
    cases = [("the table has no upward arrow", table_problems())]
    cases += [(f"checker: {name}", check_fake_tree(files, expected)) for name, files, expected in FAKE_TREES]
    cases += [(f"{layer} keeps the layer rule" if layer else "every file belongs to a layer", problems)
              for layer, problems in check_tree(root).items()]
    print(f"1..{len(cases)}")
    for number, (name, problems) in enumerate(cases, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print(f"# {problem}")
    return 1 if any(problems for _, problems in cases) else 0


if __name__ == "__main__":
    sys.exit(main())
