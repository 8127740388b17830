#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Deliberate mistakes in the kernels and in the host's scalars: are they seen?

    scripts/mutants.py [--list] [--quick N] [--rule NAMES] [BUILD]

BUILD is a build folder (default build/release) in which the target 'mutant'
was built.  Mutants are made from the texts of kernels/, of the rows of
src/rules.c, of the functions of src/scalars.c, of the feature scalars of
src/plan.c, of the functions that carry the whole step
(mutant_lists.CARRIERS) and of what has a test of its own (mutant_lists.TESTED)
by the operators of mutant_edits.py, and from a list of famous mistakes.  Each
runs its test, or the trials of tests/mutant.c and the scenes of
tests/mutant_scene_list.c in the configurations that it can touch, against the
scalar reference, and has to make a difference; a default that none of these
gets at has to be seen by test_settings.  A kernel's mutant is read from a file
when the program starts; a host mutant is compiled and linked by itself.

Not mutated: what decides which settings are allowed (needs, limits), since the
trials follow it, what only a call that fails meets, and words.

Prints each survivor with its diff and at the end "N mutants, M survived"; exit
code 1 where one survived.  What a compiler refuses is no mutant.
"""
import argparse
import concurrent.futures
import difflib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass

import mutant_lists
from mutant_edits import (Edit, blocks_swapped, carrier_edits, functions_only,
                          hide, host_edits, kernel_edits, read_rows, row_edits,
                          whole_edits, whole_kernel_edits, without_comments)

ROOT = pathlib.Path(__file__).resolve().parent.parent

# --- mutants ------------------------------------------------------------------


@dataclass(frozen=True)
class Mutant:
    path: str
    operator: str
    line: int
    text: str  # of the whole file
    prefix: str  # stands in front of it, in the original too
    function: str  # that it is in, or ""
    rules: tuple  # that run
    features: bool  # run the features too, not only the choices

    def is_kernel(self):
        return self.path.endswith(".cl")

    def test(self):
        """The test that has to see it, or None where trials and scenes do."""
        return mutant_lists.TESTED.get(self.path)

    def name(self):
        return pathlib.Path(self.path).stem

    def diff(self):
        old = (ROOT / self.path).read_text().splitlines()
        return list(difflib.unified_diff(old, self.text.splitlines(),
                                         self.path, self.operator, n=1,
                                         lineterm=""))

    def changed(self):
        """The first line that differs, before and after."""
        old = (ROOT / self.path).read_text().splitlines()
        pairs = zip(old + [""], self.text.splitlines() + [""])
        before, after = next((a, b) for a, b in pairs if a != b)
        return before.strip(), after.strip()


# --- files --------------------------------------------------------------------


def rule_kernels(rows):
    for kernel in sorted({row.kernel for row in rows}):
        path = f"kernels/rules/{kernel}.cl"
        users = [row for row in rows if row.kernel == kernel]
        text = (ROOT / path).read_text()
        for edit in kernel_edits(text, users[0].scalars):
            before = text[:edit.start]
            decays = before.rfind("#ifdef DECAY_IN_RULE") > \
                before.rfind("#endif")
            yield path, edit, tuple(row.name for row in users), decays


def callers_of(function, rows):
    """Some rules that call a function of numerics.cl, themselves or by way of
    a feature."""
    call = re.compile(rf"\b{function}\(")
    callers = [row.name for row in rows if call.search(without_comments(
        (ROOT / f"kernels/rules/{row.kernel}.cl").read_text()))]
    return tuple(callers[:3]) or ("sgd",)


def common_kernels(rows):
    path = "kernels/numerics.cl"
    text = (ROOT / path).read_text()
    _, bodies = functions_only(text)
    for edit in kernel_edits(text, ()):
        function = next(name for name, start, end in bodies
                        if start <= edit.start < end)
        rules = callers_of(function, rows)
        yield path, edit, rules, rules == ("sgd",)

    for path in ("kernels/step.cl", "kernels/update.cl", "kernels/element.cl"):
        text = (ROOT / path).read_text()
        for edit in [*kernel_edits(text, ()), *whole_edits(text),
                     *blocks_swapped(text)]:
            yield path, edit, ("scene", "sgd", "momentum", "adam", "ftrl"), True

    for path, rules in (("kernels/projection.cl", ("adamp", "sgdp", "scene")),
                        ("kernels/cautious.cl", ("adamw", "lion", "scene"))):
        text = (ROOT / path).read_text()
        for edit in [*kernel_edits(text, ()), *whole_edits(text)]:
            yield path, edit, rules, True

    for path in ("kernels/types.cl", "kernels/table.cl", "kernels/sums.cl",
                 "kernels/fold.cl", "kernels/rows.cl", "kernels/finish.cl",
                 "kernels/swap.cl", "kernels/factors.cl", "kernels/prune.cl",
                 "kernels/zeros.cl"):
        text = (ROOT / path).read_text()
        for edit in whole_kernel_edits(text):
            yield path, edit, ("scene",), True

    for path in ("kernels/fill.cl", "kernels/probe.cl"):
        for edit in kernel_edits((ROOT / path).read_text(), ()):
            yield path, edit, ("adagrad", "rmsprop"), False


def callers(name, code, bodies):
    """The function and all that call it, by whatever way."""
    found, new = set(), {name}
    while new:
        found |= new
        called = re.compile(rf"\b(?:{'|'.join(new)})\(")
        new = {caller for caller, a, b in bodies
               if called.search(code[a:b])} - found
    return found


def host_functions(rows):
    path = "src/scalars.c"
    text = (ROOT / path).read_text()
    enums = text + (ROOT / "src/scalars.h").read_text()
    code, bodies = functions_only(text)
    for name, start, end in bodies:
        body = hide(code[:start]) + code[start:end] + hide(code[end:])
        users = callers(name, code, bodies)
        rules = tuple(row.name for row in rows if row.prepare in users)
        for edit in host_edits(enums, body):
            yield path, edit, rules, False

    path = "src/rules.c"
    for edit, rules in row_edits((ROOT / path).read_text()):
        yield path, edit, rules, False

    path = "src/plan.c"
    text = (ROOT / path).read_text()
    code, _ = functions_only(text, {"unscale", "clip_value", "l1", "l2",
                                    "decay_factor", "soft_threshold",
                                    "max_norm", "share", "steps_of",
                                    "prune_begin", "prune_end",
                                    "cs_plan_prunes", "pruned_share",
                                    "share_bits", "share_high", "share_middle",
                                    "share_low", "share_exponent"})
    for edit in host_edits(text, code):
        yield path, edit, ("scene", "sgd", "ftrl", "adopt"), True


def host_initializers():
    path = "src/initializers.c"
    text = (ROOT / path).read_text()
    code, _ = functions_only(text, {"zeros", "fan_of", "uniform_by_fan",
                                    "normal_by_fan", "uniform_of_1",
                                    "uniform_of_2", "normal_of_1",
                                    "normal_of_2"})
    for edit in host_edits(text, code):
        yield path, edit, (mutant_lists.TESTED[path],), True


def host_tables():
    """What carries the whole step."""
    for path, names in mutant_lists.CARRIERS.items():
        text = (ROOT / path).read_text()
        code, bodies = functions_only(text, set(names.split()))
        if len(bodies) != len(names.split()):
            sys.exit(f"mutants.py: {path} lacks one of: {names}")
        for edit in carrier_edits(code):
            yield path, edit, ("scene",), True


def tested():
    """What a test of its own compares with the reference."""
    for path, test in mutant_lists.TESTED.items():
        text = (ROOT / path).read_text()
        edits = carrier_edits(functions_only(text)[0]) \
            if path.endswith(".c") else whole_kernel_edits(text)
        for edit in edits:
            yield path, edit, (test,), True


def famous():
    for path, rules, features, old, new in mutant_lists.FAMOUS:
        text = (ROOT / path).read_text()
        if text.count(old) != 1:
            sys.exit(f"mutants.py: {path} has {text.count(old)} times: {old}")
        start = text.index(old)
        edit = Edit("famous", start, start + len(old), new)
        yield path, edit, tuple(rules.split()), features


# --- all of them --------------------------------------------------------------


def prefix_of(path, text, start):
    """What has to stand in front of a text so that its place 'start' is
    compiled where the device is exact without it."""
    if path != "kernels/numerics.cl":
        return ""
    begin = text.index("#ifdef THROUGH_DOUBLE")
    return ("#define THROUGH_DOUBLE\n"
            if begin < start < text.index("#else", begin) else "")


def function_at(text, place):
    _, bodies = functions_only(text)
    return next((name for name, start, end in bodies
                 if start <= place < end), "")


class Equivalents:
    """The mutants that cannot change a result, and whether each was met."""

    def __init__(self):
        self.known = set()
        for path, before, after, _ in mutant_lists.EQUIVALENT:
            lines = [after] if isinstance(after, str) else after
            self.known |= {(path, before, line) for line in lines}
        self.met = set()

    def has(self, mutant):
        key = (mutant.path, *mutant.changed())
        self.met.add(key)
        return key in self.known

    def check(self):
        for key in self.known - self.met:
            sys.exit(f"mutants.py: no mutant is like the equivalent {key}")


def make_mutants(rows):
    """Every mutant, in the order of the files and their lines."""
    found, equivalents = {}, Equivalents()
    for path, edit, rules, features in [*rule_kernels(rows),
                                        *common_kernels(rows),
                                        *host_functions(rows),
                                        *host_initializers(),
                                        *host_tables(), *tested(),
                                        *famous()]:
        text = (ROOT / path).read_text()
        line = text.count("\n", 0, edit.start) + 1
        mutant = Mutant(path, edit.operator, line, edit.apply(text),
                        prefix_of(path, text, edit.start),
                        function_at(text, edit.start), rules, features)
        key = path, "".join(mutant.text.split())
        if mutant.text != text and key not in found and \
                not equivalents.has(mutant):
            found[key] = mutant
    equivalents.check()
    return sorted(found.values(), key=lambda m: (m.path, m.line))


# --- configurations -----------------------------------------------------------


@dataclass(frozen=True)
class Configuration:
    name: str  # RULE:INDEX
    features: bool
    programs: tuple  # of (text, macros)

    def rule(self):
        return self.name.split(":")[0]


def read_program(text):
    name, _, macros = text.partition(":")
    return name.strip(), frozenset(macros.split())


def holds(condition, macros):
    """The value of the condition of an #if."""
    condition = re.sub(r"defined\((\w+)\)",
                       lambda m: str(m.group(1) in macros), condition)
    for c, python in (("||", " or "), ("&&", " and "), ("!", " not ")):
        condition = condition.replace(c, python)
    return eval(condition, {})  # of True, False, and, or, not


def active_lines(text, macros):
    """The lines that are left of 'text', as the preprocessor leaves them."""
    macros, lines, stack = set(macros), [], []
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word in ("#if", "#ifdef", "#ifndef"):
            value = holds(rest, macros) if word == "#if" else \
                (rest.strip() in macros) == (word == "#ifdef")
            stack.append([value, value])
        elif word == "#elif":
            stack[-1] = [not stack[-1][1] and holds(rest, macros),
                         stack[-1][1] or holds(rest, macros)]
        elif word == "#else":
            stack[-1][0] = not stack[-1][1]
        elif word == "#endif":
            stack.pop()
        elif all(value for value, _ in stack):
            if word == "#define":
                macros.add(re.match(r"\w+", rest).group())
            lines.append(line)
    return lines


def texts_of(program, macros, kernels):
    """The files that a program is made of, as far as macros stand in them."""
    name, _, rule = program.partition("/")
    texts = []
    if name in ("step", "factors", "rows", "finish", "sums", "prune"):
        texts += ["types", "table"]
        texts += ["fold"] * (name == "sums")
    if rule:
        texts.append(f"rules/{kernels[rule]}")
        texts += ["cautious"] * ("CAUTIOUS_UPDATE" in macros)
        texts += ["projection"] * ("BY_ROWS" in macros)
        texts.append("element")
        texts += ["update"] * (name == "step")
    return [f"kernels/{text}.cl" for text in [*texts, name]]


def program_differs(mutant, program, macros, kernels):
    before, after = "", ""
    for path in texts_of(program, macros, kernels):
        text = without_comments((ROOT / path).read_text())
        before += text
        after += without_comments(mutant.text) if path == mutant.path else text
    return active_lines(before, macros) != active_lines(after, macros)


def kernel_differs(mutant, configuration, kernels):
    """Says whether the mutant is in the texts of this configuration at all."""
    if mutant.name() in ("fill", "probe", "numerics"):
        return True
    return any(program_differs(mutant, program, macros, kernels)
               for program, macros in configuration.programs
               if mutant_lists.NEEDED.get(mutant.function, None) is None
               or mutant_lists.NEEDED[mutant.function] in macros)


def configurations_of(mutant, configurations, rows):
    kernels = {row.name: row.kernel for row in rows}
    return [c.name for rule in mutant.rules for c in configurations
            if c.rule() == rule
            and (mutant.features or not c.features)
            and (not mutant.is_kernel()
                 or kernel_differs(mutant, c, kernels))]


# --- runs ---------------------------------------------------------------------

KILLED, CRASHED, TOO_LONG, REFUSED, SURVIVED = (
    "killed", "crashed", "took too long", "refused by a compiler", "survived")
FATES = {"0": SURVIVED, "1": KILLED, "2": KILLED}
SECONDS = 300  # for a test
TOGETHER = 12  # mutants in one process: PoCL takes long to load its library


def harms_memory(mutant):
    """Says whether a kernel's mutant may write where it should not, so that
    the process is no good for another one."""
    return mutant.name() in ("step", "update", "fill", "probe", "sums", "fold",
                             "rows", "swap", "table", "factors", "element",
                             "finish", "prune", "zeros") and any(
        re.search(r"\[|\bcount\b|_STATE", line) for line in mutant.diff()
        if line[0] in "+-")


def last_place(text):
    places = re.findall(r"^at (\S+)$", text, re.M)
    return places[-1] if places else None


class Runner:
    """Runs the program 'mutant' of a build folder, with PoCL's cache and all
    files in a folder that goes away."""

    def __init__(self, build, folder, seed):
        self.build, self.folder = build, pathlib.Path(folder)
        self.program = str(build / "tests" / "mutant")
        self.environment = dict(os.environ, POCL_CACHE_DIR=folder + "/cache",
                                CLSTEP_TEST_SEED=str(seed))
        (self.folder / "cache").mkdir()
        cache = (build / "CMakeCache.txt").read_text()
        self.compiler = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", cache,
                                  re.M).group(1)
        self.verdict = None

    def execute(self, program, arguments):
        return subprocess.run([program, *arguments], env=self.environment,
                              capture_output=True, text=True, errors="replace")

    def read_configurations(self):
        """What --list prints: the verdict, and every configuration."""
        result = self.execute(self.program, ["--list"])
        if result.returncode != 0:
            sys.exit("mutants.py: " + result.stdout + result.stderr)
        self.verdict = re.search(r"^verdict (.*)$", result.stdout,
                                 re.M).group(1)
        return [Configuration(name, kind == "features",
                              tuple(read_program(part)
                                    for part in programs.split("|")[1:]))
                for kind, name, programs in re.findall(
                    r"^(choices|features) (\S+)(.*)$", result.stdout, re.M)]

    def run_groups(self, program, groups):
        """The fate and the words of each group of arguments, and the
        configuration that it ended in."""
        ends = []
        while len(ends) < len(groups):
            rest = groups[len(ends):]
            result = self.execute(program, [self.verdict, *sum(rest, [])])
            parts = re.split(r"^group ([012]) (.*)$", result.stdout,
                             flags=re.M)
            ends += [(FATES[code], words, last_place(before))
                     for before, code, words in zip(parts[::3], parts[1::3],
                                                    parts[2::3])]
            if len(parts) // 3 < len(rest):
                ends.append((self.early_end(program, result), result.stdout,
                             last_place(parts[-1])))
        return ends

    def early_end(self, program, result):
        """The fate of a group within which the program ended."""
        if result.returncode == -signal.SIGALRM:
            return TOO_LONG
        if result.returncode < 0 or "Sanitizer" in result.stderr:
            return CRASHED
        if program == self.program:
            sys.exit("mutants.py: " + result.stdout + result.stderr)
        return KILLED  # a host mutant that cannot even open the device

    def kernel_group(self, name, text, number, names):
        path = self.folder / f"{number}.cl"
        path.write_text(text)
        return ["--kernel", name, str(path), *names]

    def run_kernels(self, batch):
        """The fates of kernels' mutants, in one process, and the places."""
        groups = [self.kernel_group(m.name(), m.prefix + m.text, number, names)
                  for number, m, names in batch]
        return [(REFUSED if "compiler refused" in words else fate, place)
                for fate, words, place in self.run_groups(self.program,
                                                          groups)]

    def link(self, source, program, name):
        """Makes 'program' of the test 'name' with this file of src/, or with
        these kernels."""
        command = [self.compiler, "-std=c11", "-O1", "-ffp-contract=off", "-w",
                   f"-I{ROOT}/include", f"-I{ROOT}/src", "-o", str(program),
                   str(source), f"@{self.build}/tests/{name}.link"]
        return subprocess.run(command, capture_output=True).returncode == 0

    def run_settings(self, source, program):
        """The fate of a row's mutant that no trial gets at: test_settings has
        the rows by hand."""
        if not self.link(source, program, "test_settings"):
            return REFUSED
        code = self.execute(str(program), []).returncode
        return SURVIVED if code == 0 else KILLED

    def kernels_with(self, mutant):
        """The library's file of kernels with one text changed."""
        data = "".join(f"{byte}," for byte in mutant.text.encode()) + "0"
        old = (self.build / "kernels.c").read_text()
        new, count = re.subn(rf"(?<=\b{mutant.name()}_text\[\] = {{)[^}}]*",
                             data, old)
        if count != 1:
            sys.exit(f"mutants.py: kernels.c has no {mutant.name()}")
        return new

    def run_test(self, batch):
        """The fate of a mutant that a test has to see, up to its first
        failure."""
        number, mutant, _ = batch[0]
        source, program = self.folder / f"{number}.c", self.folder / f"{number}"
        source.write_text(self.kernels_with(mutant) if mutant.is_kernel()
                          else mutant.text)
        if not self.link(source, program, mutant.test()):
            return [(REFUSED, None)]
        with subprocess.Popen(["timeout", str(SECONDS), str(program)],
                              env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              errors="replace",
                              start_new_session=True) as process:
            fate = next((KILLED for line in process.stdout
                         if line.startswith("[  FAILED")), None)
            if fate == KILLED:
                os.killpg(process.pid, signal.SIGKILL)
        program.unlink()
        if fate is None:
            fate = {0: SURVIVED, 124: TOO_LONG}.get(process.returncode, CRASHED)
        return [(fate, None)]

    def run_host(self, batch):
        """The fates of mutants of C files, each with a program of its own."""
        fates = []
        for number, mutant, names in batch:
            source = self.folder / f"{number}.c"
            program = self.folder / f"{number}"
            source.write_text(mutant.text)
            if not self.link(source, program, "mutant"):
                fates.append((REFUSED, None))
                continue
            fate, _, place = self.run_groups(str(program), [names])[0]
            if fate == SURVIVED and mutant.path == "src/rules.c":
                fate = self.run_settings(source, program)
            fates.append((fate, place))
            program.unlink()
        return fates

    def run(self, batch):
        """The fates of some mutants of one kind; a mutant that no trial can
        reach survives."""
        if batch[0][1].test() is not None:
            return self.run_test(batch)
        if batch[0][1].is_kernel():
            return self.run_kernels(batch)
        return self.run_host(batch)

    def check_original(self, part):
        """The unmutated program has to pass the same trials."""
        text = (ROOT / "kernels/numerics.cl").read_text()
        groups = [self.kernel_group("numerics", prefix + text,
                                    f"{len(prefix)}{name}", [name])
                  for prefix, name in part]
        for (_, name), (fate, words, _) in zip(
                part, self.run_groups(self.program, groups)):
            if fate != SURVIVED:
                sys.exit(f"mutants.py: {name} fails without a mutant: {words}")


def batches(work):
    """Splits the work into what one process does."""
    batch = []
    for item in work:
        alone = not item[1].is_kernel() or harms_memory(item[1]) or \
            item[1].test() is not None
        if batch and (alone or len(batch) == TOGETHER):
            yield batch
            batch = []
        if alone:
            yield [item]
        else:
            batch.append(item)
    if batch:
        yield batch


# --- the command --------------------------------------------------------------


def read_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", nargs="?", metavar="BUILD",
                        default=str(ROOT / "build/release"))
    parser.add_argument("--list", action="store_true",
                        help="print the mutants and run none")
    parser.add_argument("--quick", type=int, metavar="N",
                        help="only N mutants, from everywhere")
    parser.add_argument("--rule", metavar="NAMES",
                        help="only mutants that run these rules, with commas")
    parser.add_argument("--file", metavar="PATHS",
                        help="only mutants of these files, with commas")
    parser.add_argument("--operator", metavar="NAME",
                        help="only mutants of this operator, as 'famous'")
    parser.add_argument("--seed", type=int, default=1,
                        help="of the numbers (default 1)")
    return parser.parse_args()


def chosen(mutants, options):
    if options.rule:
        names = set(options.rule.split(","))
        mutants = [m for m in mutants if names & set(m.rules)]
    if options.file:
        mutants = [m for m in mutants if m.path in options.file.split(",")]
    if options.operator:
        mutants = [m for m in mutants if m.operator == options.operator]
    if options.quick and options.quick < len(mutants):
        n = len(mutants)
        mutants = [mutants[i * n // options.quick]
                   for i in range(options.quick)]
    return mutants


def print_mutant(mutant):
    before, after = mutant.changed()
    place = f"{mutant.path}:{mutant.line}"
    print(f"{place}: {mutant.operator}: {before} -> {after}")


def run_all(runner, mutants, rows, pool, workers):
    """Runs the mutants and returns what became of each, in order."""
    configurations = runner.read_configurations()
    names = [configurations_of(m, configurations, rows) for m in mutants]
    fates, originals = [], set()
    work = list(batches(zip(range(len(mutants)), mutants, names)))
    for batch, ends in zip(work, pool.map(runner.run, work)):
        fates += [fate for fate, _ in ends]
        for (_, mutant, _), (fate, place) in zip(batch, ends):
            if fate == SURVIVED:
                print("survived:", *mutant.diff(), sep="\n", flush=True)
            elif fate != REFUSED and place is not None:
                originals.add((mutant.prefix, place))

    originals = sorted(originals)
    list(pool.map(runner.check_original,
                  [originals[i::workers] for i in range(workers)]))
    print(f"the original passes where mutants failed, in {len(originals)} "
          "configurations", flush=True)
    return fates


def print_counts(mutants, fates):
    """How many of each file, how many that run each rule, and each end."""
    counted = [m for m, fate in zip(mutants, fates) if fate != REFUSED]
    for counts in (Counter(m.path for m in counted),
                   Counter(rule for m in counted for rule in m.rules)):
        print("  ".join(f"{name}: {n}" for name, n in sorted(counts.items())))
    print("  ".join(f"{fate}: {n}" for fate, n in Counter(fates).items()))


def main():
    options = read_options()
    rows = read_rows((ROOT / "src/rules.c").read_text())
    mutants = chosen(make_mutants(rows), options)
    if options.list:
        for mutant in mutants:
            print_mutant(mutant)
        print(f"{len(mutants)} mutants")
        return 0

    begin = time.monotonic()
    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="mutants") as folder, \
            concurrent.futures.ThreadPoolExecutor(workers) as pool:
        runner = Runner(pathlib.Path(options.build).resolve(), folder,
                        options.seed)
        fates = run_all(runner, mutants, rows, pool, workers)
    print_counts(mutants, fates)
    count = len(fates) - fates.count(REFUSED)
    print(f"{count} mutants, {fates.count(SURVIVED)} survived "
          f"({time.monotonic() - begin:.0f} s)")
    return 1 if SURVIVED in fates or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
