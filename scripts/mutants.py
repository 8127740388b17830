#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Deliberate mistakes in the kernels and in the host's scalars: are they seen?

    scripts/mutants.py [--list] [--quick N] [--rule NAMES] [BUILD]

BUILD is a build folder (default build/release) in which the target 'mutant'
was built.  Mutants are made from the texts of kernels/, of the rows of
src/rules.c, of the functions of src/scalars.c, of the feature scalars of
src/plan.c, of the functions that carry the whole step
(mutant_lists.CARRIERS) and of what has a test of its own (mutant_lists.TESTED)
by the operators below, and from a list of famous mistakes.  Each runs its test, or the trials of tests/mutant.c and the scenes of
tests/mutant_scene_list.c in the configurations that it can touch, against the
scalar reference, and has to make a difference; a default that none of these gets
at has to be seen by test_settings.  A kernel's mutant is read from
a file when the program starts; a host mutant is compiled and linked by itself.

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

ROOT = pathlib.Path(__file__).resolve().parent.parent
HIDDEN = "\x01"  # stands for what no operator may touch

# --- texts --------------------------------------------------------------------

# What only a call that fails meets, words, and how much memory is taken.
FAILURE = re.compile(r"NULL|CL_SUCCESS|CLSTEP_OK|cs_fail|free\(|elease\(|torn|"
                     r"alloc\(|\"|needed|least|longest|MAX_WORDS|sizeof\(\*")

FUNCTION = re.compile(
    r"^(?:static|kernel|void|bool|size_t|uint64_t|clstep_status)\b"
    r"[^;{}#=]*?(\w+)\([^;{}]*\)\s*\{\n(.*?)^\}",
    re.M | re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: blank(m.group()), text, flags=re.S)


def hide(text):
    return re.sub(r"[^\n]", HIDDEN, text)


def functions_only(text, names=None):
    """'text' with all hidden but the bodies of functions, of the same length;
    and the function that each body belongs to, as (name, start, end)."""
    code = without_comments(text)
    code = re.sub(r"^#.*(?:\\\n.*)*", lambda m: hide(m.group()), code,
                  flags=re.M)
    result, bodies, end = "", [], 0
    for match in FUNCTION.finditer(code):
        if names is not None and match.group(1) not in names:
            continue
        start = match.start(2)
        result += hide(code[end:start]) + match.group(2)
        end = match.end(2)
        bodies.append((match.group(1), start, end))
    return result + hide(code[end:]), bodies


@dataclass(frozen=True)
class Edit:
    """text[start:end] becomes 'new'."""
    operator: str
    start: int
    end: int
    new: str

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]


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


# --- operators ----------------------------------------------------------------

TERM = r"[\w.]+(?:->\w+|\[\w+\])?(?![\w(\[>.])"

# (name, what, replacement), everywhere.
EVERYWHERE = [
    ("plus to minus", r" \+(?=\s)", " -"),
    ("minus to plus", r" -(?=\s)", " +"),
    ("times to plus", r" \*(?=\s)", " +"),
    ("over to times", r" /(?=\s)", " *"),
    ("right factor dropped", rf"(?<=[\w)\]]) [*/]\s+{TERM}", ""),
    ("left factor dropped", rf"(?<![\w>.\]]){TERM} \*\s+", ""),
    ("left term dropped", rf"(?<![\w>.\]*/] )(?<![\w>.\]]){TERM} [+-]\s+", ""),
    ("right term dropped", rf" [+-]\s+{TERM}(?!\s*[*/])", ""),
    ("< to <=", r" <(?=\s)", " <="),
    ("< to >", r" <(?=\s)", " >"),
    ("> to >=", r" >(?=\s)", " >="),
    ("> to <", r" >(?=\s)", " <"),
    ("<= to <", r" <=(?=\s)", " <"),
    (">= to >", r" >=(?=\s)", " >"),
    ("== to !=", r" ==(?=\s)", " !="),
    ("!= to ==", r" !=(?=\s)", " =="),
    ("and to or", r" &&(?=\s)", " ||"),
    ("or to and", r" \|\|(?=\s)", " &&"),
    ("negation dropped",
     r"(?:(?<=[,=?:<>] )|(?<=\()|(?<=return ))-(?=[\w(])", ""),
    ("complement dropped", r"(?<![\w.])1\.0f? - (?=[\w(])", ""),
    ("function dropped", r"\b(?:root|sqrt|fabs|sign_of)(?=\()", ""),
    ("constant", r"(?<![\w.])0\.0(?=f?\b)", "1.0"),
    ("constant", r"(?<![\w.])1\.0(?=f?\b)", "2.0"),
    ("constant", r"(?<![\w.])2\.0(?=f?\b)", "3.0"),
    ("constant", r"(?<![\w.])4\.0(?=f?\b)", "5.0"),
    ("constant", r"(?<![\w.])0\.5(?=f?\b)", "0.25"),
    ("constant", r"(?<![\w.])0\.96\b", "0.95"),
    ("statement dropped",
     r"(?<=\n)[ ]+[\w>\-\[\].]+ [*+]?= [^;]+;\n", ""),
]

KERNELS = [
    ("result negated", r"return ([^;]+);", r"return -(\1);"),
    ("result doubled", r"return ([^;]+);", r"return 2.0f * (\1);"),
    ("result zero", r"return ([^;]+);", r"return 0.0f;"),
    ("guard shifted", r"\bi >= count", "i + 1 >= count"),
    ("guard dropped", r"if \(i >= count\)\n\s+return;", ""),
]

# Of the rules and the step alone.
ELEMENT = [
    ("gradient to parameter", r"\bx\b(?! = )", "w"),
    ("parameter to gradient", r"\bw\b(?! = )", "x"),
    ("eps out of the root", r"root\(([^()]*) \+ h->eps\)",
     r"root(\1) + h->eps"),
    ("eps into the root", r"root\(([^()]*)\)( \* [\w>-]+)? \+ h->eps",
     r"root((\1)\2 + h->eps)"),
]

# Of kernels and of C that does more than compute a number.
WHOLE = [
    ("condition negated", r"\bif \(([\w>.\-\[\]]+)\)", r"if (!\1)"),
    ("choice swapped", r"\? ([^?:;]+?)\s+: ([\w.>\-]+)(?=[;,)])",
     r"? \2 : \1"),
    ("guard dropped", r"if \([^{}]*?\)\n\s+(?:return|continue);\n", ""),
]

HOST = [
    ("step to step + 1", r"(?<=, )t(?=\))", "t + 1"),
    ("step to step - 1", r"(?<=, )t(?=\))", "t - 1"),
    ("step + 1 to step", r"\bt \+ 1\b", "t"),
    ("power dropped", r"1\.0 - power\([^()]*\)", "1.0"),
    ("first step to second", r"\bt == 1\b", "t == 2"),
    ("in float", r"1\.0 - (v\[\w+\])", r"1.0f - (float)\1"),
    ("break dropped", r"(?<=\n)[ ]+break;\n", ""),
    ("scaled", r"((?:s\[\w+\]|const double \w+) = )([^;=>]*[^;=>.\d][^;=>]*);",
     r"\1 1.0009765625 * (\2);"),
    ("scaled", r"return ((?!0\.0;)[^;]+);", r"return 1.0009765625 * (\1);"),
]


def by_patterns(code, table):
    for name, pattern, new in table:
        for match in re.finditer(pattern, code):
            if HIDDEN not in match.group():
                yield Edit(name, match.start(), match.end(),
                           match.expand(new))


LENGTH = re.compile(r"(?:float|uint)\d* \w+\[\Z")


def integers(code):
    """Each integer becomes another one, but for the lengths of arrays."""
    for match in re.finditer(r"(?<![\w.])(0x[0-9a-f]+|\d+)(?=u?l?\b)(?!\.)",
                             code):
        if LENGTH.search(code[:match.start()]):
            continue
        number = match.group(1)
        new = hex(int(number, 16) ^ 1) if number.startswith("0x") else \
            str(int(number) + 1)
        yield Edit("integer", match.start(), match.end(), new)


def arguments_of(code, start):
    """The spans of the arguments of the call whose '(' is at 'start'."""
    depth, first, spans = 0, start + 1, []
    for i in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0 or (depth == 1 and code[i] == ","):
            spans.append((first, i))
            first = i + 1
        if depth == 0:
            return spans
    return []


def arguments_swapped(code):
    for match in re.finditer(r"\b(mean|divide|larger|limited)(?=\()", code):
        spans = arguments_of(code, match.end())
        for (a, b), (c, d) in zip(spans, spans[1:]):
            new = code[c:d].strip() + code[b:c] + " " + code[a:b].strip()
            yield Edit("arguments swapped", a, d, new)


def names_rotated(code, operator, pattern, names):
    """Each name of 'names' that 'pattern' finds becomes the next one."""
    for match in re.finditer(pattern, code):
        name = match.group(1)
        if name in names and len(names) > 1:
            other = names[(names.index(name) + 1) % len(names)]
            yield Edit(operator, match.start(1), match.end(1), other)


STATEMENT = re.compile(
    r"[ ]+(?:const \w+ |float |double )?[\w>\-\[\].]+ [*+]?= [^;{}\x01]*;\n")
NAME = re.compile(r"\w+(?:->\w+|\[\w+\])*")


def depends(first, second):
    """Says whether one statement writes what the other has."""
    written = lambda s: set(re.findall(r"([\w>\-\[\].]+) [*+]?=(?!=)", s))
    used = lambda s: set(NAME.findall(s))
    return bool(written(first) & used(second) or written(second) & used(first))


def statements_swapped(code):
    found = list(STATEMENT.finditer(code))
    for a, b in zip(found, found[1:]):
        if code[a.end():b.start()].strip() == "" and depends(a.group(),
                                                            b.group()):
            yield Edit("statements swapped", a.start(), b.end(),
                       b.group() + a.group())


def blocks_swapped(text):
    """Neighbouring #if ... #endif of a kernel: features in the wrong order."""
    found = [match for match in re.finditer(r"^#if.*?^#endif\n", text,
                                            re.M | re.S)
             if match.group().count("#if") == 1]
    for a, b in zip(found, found[1:]):
        between = text[a.end():b.start()]
        if between.strip() == "":
            yield Edit("blocks swapped", a.start(), b.end(),
                       b.group() + between + a.group())


# --- rows ---------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What a row of src/rules.c says, as far as mutants need it."""
    name: str
    kernel: str
    prepare: str
    scalars: tuple


def read_rows(text):
    shared, table = re.search(
        r"(#define ADAM_ROW.*)(const clstep_rule cs_rules.*)", text,
        re.S).groups()
    rows = []
    for part in re.split(r"\n    \{\n", table)[1:]:
        part = part.replace("ADAM_ROW", shared)
        find = lambda pattern: re.search(pattern, part)
        name = find(r'\.name = "(\w+)"').group(1)
        kernel = find(r'\.kernel = "(\w+)"')
        scalars = find(r"\.scalars = \{([^}]*)\}").group(1)
        rows.append(Row(name, kernel.group(1) if kernel else name,
                        find(r"\.prepare = (\w+)").group(1),
                        tuple(re.findall(r'"(\w+)"', scalars))))
    return rows


ROWS = [
    ("default", r"(?<=\.initial = )([\d.e-]+)", r"0.75 * \1"),
    ("initial value dropped", r",\s*\.initial = \"\w+\"", ""),
    ("condition dropped", r",(\s|\\)*\.condition = \"[^\"]*\"", ""),
    ("choices swapped", r'CHOICE\(("\w+"), ("\w+")', r"CHOICE(\2, \1"),
    ("feature default", r"(?<=\"weight_decay\", )1e-2", "2e-2"),
    ("feature default dropped", r"\.feature_default = \{[^}]*\},", ""),
    ("scalars swapped", r'(?<=\.scalars = \{)("\w+"), ("\w+")', r"\2, \1"),
    ("scalars swapped", r'(?<=", )("\w+"), ("\w+")(?=(?:, "\w+")*\},(?:\s|\\)*'
     r'\.prepare)', r"\2, \1"),
    ("sets_parameter dropped", r"\.sets_parameter = 1,", ""),
]


def row_edits(text):
    """Edits of the rows, each with the rules that it touches."""
    begin = text.index("#define ADAM_ROW")
    table = text.index("const clstep_rule cs_rules")
    for edit in by_patterns(text, ROWS):
        if edit.start < begin:
            continue
        if edit.start < table:
            yield edit, ("adam", "adamw")
        else:
            names = re.findall(r'\n        \.name = "(\w+)"',
                               text[:edit.start])
            yield edit, (names[-1],)


# --- files --------------------------------------------------------------------


def slots_of(code):
    return sorted(set(re.findall(r"\bs->(\w+)", code)))


def whole_edits(text):
    """Edits of a kernel that was made for the whole step."""
    code = without_minima(functions_only(text)[0])
    yield from by_patterns(code, EVERYWHERE + WHOLE)
    yield from statements_swapped(code)
    yield from integers(code)


def without_minima(code):
    """'code' with each < of 'a < b ? a : b' hidden: it could be <= too."""
    return re.sub(r"\b(\w+) < (\w+) \? \1 : \2\b",
                  lambda m: m.group().replace("<", HIDDEN), code)


def without_failures(code):
    """'code' with all lines hidden that only a call that fails meets."""
    code = "\n".join(hide(line) if FAILURE.search(line) else line
                     for line in code.split("\n"))
    return without_minima(code)


def kernel_edits(text, scalars):
    code, _ = functions_only(text)
    yield from by_patterns(code, EVERYWHERE + KERNELS + ELEMENT)
    yield from arguments_swapped(code)
    yield from statements_swapped(code)
    yield from names_rotated(code, "wrong scalar", r"\bh->(\w+)", scalars)
    yield from names_rotated(code, "wrong slot", r"\bs->(\w+)", slots_of(code))


def enumerator_names(text, name):
    """The enumerators of the enum that has 'name'."""
    for body in re.findall(r"^enum \{(.*?)\};", text, re.M | re.S):
        names = re.findall(r"\w+", body)
        if name in names:
            return names
    return []


def host_edits(enums, code):
    """Edits of the functions that are left in 'code', whose enumerators are in
    'enums'."""
    yield from by_patterns(code, EVERYWHERE + HOST)
    yield from statements_swapped(code)
    for letter, operator in (("v", "wrong setting"), ("s", "wrong scalar")):
        pattern = rf"\b{letter}\[([A-Z]\w*)\]"
        for name in sorted(set(re.findall(pattern, code))):
            for edit in names_rotated(code, operator, pattern,
                                      enumerator_names(enums, name)):
                if code[edit.start:edit.end] == name:
                    yield edit
    yield from names_rotated(code, "wrong scalar", r"\bs\[(\d)\]",
                             ["0", "1", "2", "3"])


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

    for path in ("kernels/step.cl", "kernels/element.cl"):
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
        for edit in [*by_patterns(functions_only(text)[0], KERNELS),
                     *whole_edits(text), *blocks_swapped(text)]:
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
        yield path, edit, ("scene", "sgd", "ftrl"), True


def host_initializers():
    path = "src/initializers.c"
    text = (ROOT / path).read_text()
    code, _ = functions_only(text, {"zeros", "fan_of", "uniform_by_fan",
                                    "normal_by_fan", "uniform_of_1",
                                    "uniform_of_2", "normal_of_1",
                                    "normal_of_2"})
    for edit in host_edits(text, code):
        yield path, edit, ("scene",), True


def host_tables():
    """What carries the whole step."""
    for path, names in mutant_lists.CARRIERS.items():
        text = (ROOT / path).read_text()
        code, bodies = functions_only(text, set(names.split()))
        if len(bodies) != len(names.split()):
            sys.exit(f"mutants.py: {path} lacks one of: {names}")
        code = without_failures(code)
        for edit in [*by_patterns(code, EVERYWHERE + WHOLE),
                     *statements_swapped(code)]:
            yield path, edit, ("scene",), True


def tested():
    """What a test of its own compares with the reference."""
    for path, test in mutant_lists.TESTED.items():
        text = (ROOT / path).read_text()
        code = functions_only(text)[0]
        edits = [*by_patterns(code, KERNELS), *whole_edits(text),
                 *blocks_swapped(text)]
        if path.endswith(".c"):
            code = without_failures(code)
            edits = [*by_patterns(code, EVERYWHERE + WHOLE),
                     *statements_swapped(code)]
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
SECONDS = 120  # for a test
TOGETHER = 12  # mutants in one process: PoCL takes long to load its library


def harms_memory(mutant):
    """Says whether a kernel's mutant may write where it should not, so that
    the process is no good for another one."""
    return mutant.name() in ("step", "fill", "probe", "sums", "fold", "rows",
                             "swap", "table", "factors", "element", "finish",
                             "prune", "zeros") and any(
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
        if not self.link(source, program, mutant.rules[0]):
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
