# SPDX-License-Identifier: BSD-2-Clause
"""Reads scenario files: a header of 'key: value' lines, an empty line, steps.

A step is one line; lines with a gutter '|' below it are its message. Macros
are text: '@name key=value' (or '| @name ...') stands for the lines of

  define name key=default ...
  ...
  enddef

with %key% replaced; %{2*i+6000}% is arithmetic; '|?' lines go when empty.
'repeat N i' ... 'end' repeats steps with %i% = 0, 1, ... N-1.
"""
import ast
import operator
import os
import re
import shlex

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
             ast.Mod: operator.mod, ast.FloorDiv: operator.floordiv}


class BadScript(Exception):
    pass


class Line:
    """A line of text and where it stands: [(file, number), ...], outermost first."""

    def __init__(self, text, where):
        self.text = text
        self.where = where

    def at(self):
        return ' in '.join(f'{os.path.basename(name)}:{number}'
                           for name, number in reversed(self.where))


class Step:
    def __init__(self, line):
        self.line = line
        self.words = shlex.split(line.text)
        self.lines = []

    @property
    def verb(self):
        return self.words[0]

    def message(self):
        return ''.join(line.text + '\r\n' for line in self.lines)


class Scenario:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path).rsplit('.', 1)[0]
        self.header = {}
        self.steps = []


def calculate(node):
    """Integer arithmetic, nothing else."""
    if isinstance(node, ast.Expression):
        return calculate(node.body)
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](calculate(node.left), calculate(node.right))
    raise BadScript('only integer arithmetic between %{ and }%')


def substitute(text, values):
    """Replaces %key%, then %{arithmetic}%. Unknown keys stay."""
    for _ in range(4):
        new = re.sub(r'%(\w+)%', lambda m: values.get(m[1], m[0]), text)
        if new == text:
            break
        text = new

    def arithmetic(match):
        expression = re.sub(r'[A-Za-z_]\w*', lambda m: values.get(m[0], m[0]), match[1])
        if re.search(r'[A-Za-z_]', expression):
            return match[0]             # a variable of an outer loop: later
        return str(calculate(ast.parse(expression, mode='eval')))
    return re.sub(r'%\{([^{}]*)\}%', arithmetic, text)


def arguments(words, line):
    values = {}
    for word in words:
        key, equals, value = word.partition('=')
        if not equals:
            raise BadScript(f'{line.at()}: {word!r} is not key=value')
        values[key] = value
    return values


class Reader:
    def __init__(self):
        self.macros = {}

    def load_macros(self, path):
        """The definitions in a file; returns its other lines."""
        rest, macro = [], None
        with open(path, encoding='utf-8') as file:
            lines = [Line(text.rstrip('\n'), [(path, n + 1)])
                     for n, text in enumerate(file)]
        for line in lines:
            if line.text.startswith('define '):
                words = shlex.split(line.text)
                macro = self.macros[words[1]] = (arguments(words[2:], line), [])
            elif line.text == 'enddef':
                macro = None
            elif macro:
                macro[1].append(line)
            else:
                rest.append(line)
        return rest

    def read(self, path):
        scenario = Scenario(path)
        macros, self.macros = self.macros, dict(self.macros)
        lines = self.load_macros(path)
        while lines and not lines[0].text.strip().startswith('#') and lines[0].text.strip():
            key, _, value = lines.pop(0).text.partition(':')
            scenario.header[key.strip()] = value.strip()
        while lines and lines[0].text.startswith('#'):
            lines.pop(0)
        if 'title' not in scenario.header:
            raise BadScript(f'{path}: a scenario begins with its title')
        scenario.steps = self.steps(self.expand(self.unroll(lines)))
        self.macros = macros
        return scenario

    def expand(self, lines, depth=0):
        for line in lines:
            match = re.match(r'(\|\s*)?@(\S+)(.*)', line.text)
            if not match:
                yield line
                continue
            if match[2] not in self.macros or depth > 8:
                raise BadScript(f'{line.at()}: no macro {match[2]}')
            defaults, body = self.macros[match[2]]
            given = arguments(shlex.split(match[3]), line)
            unknown = set(given) - set(defaults)
            if unknown:
                raise BadScript(f'{line.at()}: {match[2]} knows no {unknown}')
            values = {**defaults, **given}
            made = [Line(substitute(part.text, values), line.where + part.where)
                    for part in body]
            yield from self.expand(made, depth + 1)

    def unroll(self, lines):
        """Loops, one level after the other."""
        out, stack = [], []
        for line in lines:
            words = line.text.split()
            if words[:1] == ['repeat']:
                stack.append((int(words[1]), words[2], out))
                out = []
            elif words == ['end']:
                if not stack:
                    raise BadScript(f'{line.at()}: end without repeat')
                count, name, outer = stack.pop()
                for i in range(count):
                    outer += [Line(substitute(part.text, {name: str(i)}), part.where)
                              for part in out]
                out = outer
            else:
                out.append(line)
        if stack:
            raise BadScript('repeat without end')
        return out

    @staticmethod
    def steps(lines):
        steps = []
        for line in lines:
            text = line.text
            if text.startswith('|'):
                if not steps:
                    raise BadScript(f'{line.at()}: message without a step')
                if text.startswith('|?'):
                    text = '|' + text[2:]
                    if not text[1:].strip():
                        continue
                text = text[2:] if text.startswith('| ') else text[1:]
                steps[-1].lines.append(Line(text, line.where))
            elif text.strip() and not text.lstrip().startswith('#'):
                steps.append(Step(Line(text.strip(), line.where)))
        return steps
