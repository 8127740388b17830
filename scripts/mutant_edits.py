# SPDX-License-Identifier: MIT
"""The deliberate mistakes that scripts/mutants.py makes: where a text has them.
"""
import re
from dataclasses import dataclass

HIDDEN = "\x01"  # stands for what no operator may touch

# --- texts --------------------------------------------------------------------

# What only a call that fails meets, words, and how much memory is taken.
FAILURE = re.compile(r"NULL|CL_SUCCESS|CLSTEP_OK|cs_fail|free\(|elease\(|torn|"
                     r"alloc\(|\"|needed|least|longest|MAX_WORDS|sizeof\(\*")

FUNCTION = re.compile(
    r"^(?:__attribute__\(\(\w+\)\)\s+)?"
    r"(?:static|kernel|void|bool|size_t|uint64_t|clstep_status)\b"
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
    ("and to or", r"(?<=\)) & (?=\()", " | "),
    ("or to and", r"(?<=\)) \| (?=\()", " & "),
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


# --- of a whole file ----------------------------------------------------------


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


def whole_kernel_edits(text):
    """The same, and what its functions return, and its features."""
    yield from by_patterns(functions_only(text)[0], KERNELS)
    yield from whole_edits(text)
    yield from blocks_swapped(text)


def carrier_edits(code):
    """Edits of the functions of C that are left in 'code', which do more than
    compute a number."""
    code = without_failures(code)
    yield from by_patterns(code, EVERYWHERE + WHOLE)
    yield from statements_swapped(code)


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
