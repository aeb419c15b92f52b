"""The fields of pydantic's settings classes, as the variables that give them.

Prefix, aliases, nested models and what a class inherits decide how a variable is called; a default, or a value where
the class is made, whether it can be missing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hermetic.source.bindings import Bindings
from hermetic.source.environ import Variable, outside
from hermetic.source.mandatory_reads import demanded_under_pytest
from hermetic.source.symbols import Class, Reference, Symbols, lineage_of
from hermetic.source.syntax import assignments, is_none, last_name, literal

CURRENT = frozenset({"pydantic_settings.BaseSettings", "pydantic_settings.main.BaseSettings"})
OLD = frozenset({"pydantic.BaseSettings", "pydantic.v1.BaseSettings", "pydantic.env_settings.BaseSettings"})
CONFIGURATION = frozenset({"env_prefix", "env_file", "env_nested_delimiter"})
CUSTOMISING = "settings_customise_sources"
ENVIRONMENT = "env_settings"
"""How pydantic hands over the source that reads variables: by this name."""
VALIDATING = frozenset({"model_validate", "model_validate_json", "parse_obj", "parse_raw"})
ASKING = frozenset({"isinstance", "issubclass", "cast"})


class Fields:
    """Find the settings classes of the application.

    Args:
        bindings: The application's names and calls.

    Attributes:
        variables: The variable of each field, by the field's line in the syntax tree.
        env_files: The file and the expression that name an ``env_file``.
    """

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._symbols = bindings.symbols
        self.variables: dict[ast.AnnAssign, Variable] = {}
        self.env_files: list[tuple[Path, ast.expr]] = []
        for module in self._symbols.sources.production:
            for definition in self._symbols.scope(module.path).definitions.values():
                if isinstance(definition, ast.ClassDef):
                    self._read(Class(module.path, definition))

    def _read(self, found: Class) -> None:
        lineage = list(lineage_of(found, self._symbols))
        roots = {
            outside(each.file, base, self._symbols) for each in lineage for base in each.definition.bases
        }
        if not roots & (CURRENT | OLD) or any(_reads_no_variables(each.definition) for each in lineage):
            return
        configuration = self._configuration(lineage)
        if "env_file" in configuration:
            self.env_files.append(configuration["env_file"])
        given = None if self._is_only_a_part(found) else self._given_when_made(found.definition)
        texts = {name: literal(value) or "" for name, (_, value) in configuration.items()}
        is_old = not roots & CURRENT
        for owner in lineage:
            # What a base that is a settings class itself reads is read there, with its own configuration.
            if owner == found or not self._is_settings(owner):
                self._add(
                    owner, texts.get("env_prefix", ""), texts.get("env_nested_delimiter", ""), given, is_old
                )

    def _is_settings(self, found: Class) -> bool:
        lineage = lineage_of(found, self._symbols)
        return any(
            outside(each.file, base, self._symbols) in CURRENT | OLD
            for each in lineage
            for base in each.definition.bases
        )

    def _add(
        self, owner: Class, prefix: str, delimiter: str, given: frozenset[str] | None, is_old: bool
    ) -> None:
        demanded = demanded_under_pytest(owner.definition)
        for line, name in _fields(owner.definition):
            has_value = given is None or name in given
            call = _field_call(line)
            names = _aliases(call) or ((prefix + name).upper(),)
            default = _default(line, call)
            annotation = ast.unparse(line.annotation)
            is_optional = is_old and ("Optional" in annotation or "None" in annotation)
            required = default is None and not has_value and not is_optional
            required |= name in demanded and not has_value and (default is None or is_none(default))
            nested = self._nested(owner.file, line.annotation) if delimiter else None
            if nested is not None:
                self._add(
                    nested, names[0] + delimiter, delimiter, None if not required else frozenset(), False
                )
            elif line not in self.variables:
                self.variables[line] = Variable(
                    names[0], owner.file, line.lineno, default, required, annotation, names[1:]
                )

    def _nested(self, file: Path, annotation: ast.expr) -> Class | None:
        for node in ast.walk(annotation):
            reference = (
                self._symbols.resolve(file, node) if isinstance(node, ast.Name | ast.Attribute) else None
            )
            definition = self._symbols.definition(reference)
            if reference and reference.file and isinstance(definition, ast.ClassDef):
                found = Class(reference.file, definition)
                bases = {
                    outside(each.file, base, self._symbols)
                    for each in lineage_of(found, self._symbols)
                    for base in each.definition.bases
                }
                if any(base.endswith("BaseModel") for base in bases):
                    return found
        return None

    def _given_when_made(self, definition: ast.ClassDef) -> frozenset[str] | None:
        """Return the fields that a call of the class gives; None where such a call unpacks what cannot be seen."""
        names: set[str] = set()
        for file, call in self._bindings.calls(definition.name):
            if last_name(call.func) == definition.name:
                for word in call.keywords:
                    if word.arg is None:
                        return None
                    if word.arg == "_env_file":
                        self.env_files.append((file, word.value))
                    names.add(word.arg)
        return frozenset(names)

    def _is_only_a_part(self, found: Class) -> bool:
        """Whether a class is only the type of fields, or validated: what it holds then comes from what is around it."""
        uses = {self._is_part(file, node) for file, node in self._uses(found)} - {None}
        return uses == {True}

    def _uses(self, found: Class) -> Iterator[tuple[Path, ast.expr]]:
        name, own = found.definition.name, Reference(found.file, found.definition.name)
        for module in self._symbols.sources.modules.values():
            if module.mentions(name):
                nodes: list[ast.Name | ast.Attribute] = [*module.of(ast.Name), *module.of(ast.Attribute)]
                for node in nodes:
                    if last_name(node) == name and self._symbols.resolve(module.path, node) == own:
                        yield module.path, node

    def _is_part(self, file: Path, use: ast.expr) -> bool | None:
        """Whether a use of a class has it filled from around it; None where it has it neither filled nor made."""
        inner: ast.AST = use
        for outer in self._bindings.around(file, use):
            if isinstance(outer, ast.Attribute):
                return outer.attr in VALIDATING
            if isinstance(outer, ast.Call):
                return None if last_name(outer.func) in ASKING else False
            if isinstance(outer, ast.AnnAssign) and inner is outer.annotation:
                return isinstance(self._bindings.parents(file).get(outer), ast.ClassDef) or None
            if isinstance(outer, ast.arg | ast.ClassDef) or inner is getattr(outer, "returns", None):
                return None
            inner = outer
        return False

    def _configuration(self, lineage: list[Class]) -> dict[str, tuple[Path, ast.expr]]:
        found: dict[str, tuple[Path, ast.expr]] = {}
        for each in reversed(lineage):
            for name, file, value in _configured(each.file, each.definition, self._symbols):
                if name in CONFIGURATION:
                    found[name] = file, value
        return found


def _reads_no_variables(definition: ast.ClassDef) -> bool:
    """Whether a class names its sources, and the environment is none of them: files alone give its values."""
    for method in definition.body:
        if isinstance(method, ast.FunctionDef) and method.name == CUSTOMISING:
            names = {node.id for line in method.body for node in ast.walk(line) if isinstance(node, ast.Name)}
            return method.args.kwarg is None and ENVIRONMENT not in names
    return False


def _fields(definition: ast.ClassDef) -> Iterator[tuple[ast.AnnAssign, str]]:
    for line in definition.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name = line.target.id
            if (
                not name.startswith("_")
                and name != "model_config"
                and "ClassVar" not in ast.unparse(line.annotation)
            ):
                yield line, name


def _field_call(line: ast.AnnAssign) -> ast.Call | None:
    """Return the call of ``Field`` that describes a field, as its value or within ``Annotated``."""
    places = [node for node in (line.value, *ast.walk(line.annotation)) if isinstance(node, ast.Call)]
    return next((call for call in places if last_name(call.func) == "Field"), None)


def _default(line: ast.AnnAssign, call: ast.Call | None) -> ast.expr | None:
    if line.value is not None and line.value is not call:
        return None if _is_ellipsis(line.value) else line.value
    if call is None:
        return None
    named = {word.arg: word.value for word in call.keywords}
    if "default_factory" in named:
        made = ast.Call(named["default_factory"], [], [])
        return ast.fix_missing_locations(ast.copy_location(made, call))
    value = named.get("default") or (call.args[0] if call.args else None)
    return None if value is None or _is_ellipsis(value) else value


def _is_ellipsis(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is ...


def _aliases(call: ast.Call | None) -> tuple[str, ...]:
    """Return the names that a field's own call gives its variable; the prefix does not hold for those."""
    for key in ("validation_alias", "alias", "env"):
        for word in call.keywords if call else []:
            texts = [literal(node) for node in ast.walk(word.value) if isinstance(node, ast.Constant)]
            if word.arg == key and any(texts):
                return tuple(text.upper() for text in texts if text)
    return ()


def _configured(
    file: Path, definition: ast.ClassDef, symbols: Symbols
) -> Iterator[tuple[str, Path, ast.expr]]:
    """Yield what a class says of itself: by keywords, in ``model_config``, or in an inner ``Config``."""
    yield from ((word.arg, file, word.value) for word in definition.keywords if word.arg)
    for line in definition.body:
        for name, value in assignments(line):
            if name == "model_config":
                yield from _entries(file, value, symbols)
        if isinstance(line, ast.ClassDef) and line.name == "Config":
            for inner in line.body:
                yield from ((name, file, value) for name, value in assignments(inner))


def _entries(file: Path, value: ast.expr, symbols: Symbols) -> Iterator[tuple[str, Path, ast.expr]]:
    """Yield the entries of a dictionary, of a call with keywords, of what is unpacked into one, or has a name."""
    pairs: list[tuple[str | None, ast.expr]] = [(None, value)]
    if isinstance(value, ast.Dict):
        pairs = [(literal(key), item) for key, item in zip(value.keys, value.values, strict=True)]
    elif isinstance(value, ast.Call):
        pairs = [(word.arg, word.value) for word in value.keywords]
    for name, item in pairs:
        if name is not None:
            yield name, file, item
            continue
        reference = symbols.resolve(file, item)
        definition = symbols.definition(reference)
        if reference and reference.file and isinstance(definition, ast.Dict | ast.Call):
            yield from _entries(reference.file, definition, symbols)
