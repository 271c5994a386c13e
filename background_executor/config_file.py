"""The settings file as text: read, checked with every fault named, changed with comments kept."""

import difflib
import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomlkit
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from tomlkit.exceptions import TOMLKitError

from background_executor.errors import SettingsError
from server_side.boundary import place_in_document

M = TypeVar("M", bound=BaseModel)
Value = str | int | float | bool | list[str] | list[int] | list[float]

_SERVER_PATHS = ("base_folder", "raw_base")
_OWN_PATHS = (
    ("site", "state_dir"),
    ("site", "ssh", "identity"),
    ("site", "ssh", "known_hosts"),
    ("site", "ssh", "config_file"),
)
_SQLITE = "sqlite:///"


def read_text(path: Path) -> str:
    """Read a settings file.

    Raises
    ------
    SettingsError
        When it is not there or no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"settings file {path} cannot be read: {error}; copy one from docs/examples"
        ) from error


def parse_settings(model: type[M], path: Path, text: str) -> M:
    """Check the text of a settings file.

    Raises
    ------
    SettingsError
        When it is wrong; the message lists every fault.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings file {path} is no TOML: {error}") from error
    _resolve_paths(content, path.absolute().parent)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = [_describe(fault, model) for fault in error.errors()]
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise SettingsError("\n  ".join([f"{count} in settings file {path}:", *faults])) from error


def change_settings(model: type[M], path: Path, changes: Mapping[str, Value | None]) -> M:
    """Change keys of a settings file, keep its comments and order, and return the new settings.

    Parameters
    ----------
    changes
        New values by dotted key, like ``site.poll_s``; None removes a key.

    Raises
    ------
    SettingsError
        When the outcome would be wrong; the file is left as it was.
    """
    try:
        document = tomlkit.parse(read_text(path))
    except TOMLKitError as error:
        raise SettingsError(f"settings file {path} is no TOML: {error}") from error
    for key, value in changes.items():
        *sections, name = key.split(".")
        table: Any = document
        for section in sections:
            table = table.setdefault(section, tomlkit.table())
        if value is None:
            table.pop(name, None)
        else:
            table[name] = value
    text = tomlkit.dumps(document)
    settings = parse_settings(model, path, text)
    _replace(path, text)
    return settings


def _replace(path: Path, text: str) -> None:
    """Write aside, then rename: a reader sees the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        Path(name).chmod(path.stat().st_mode)
    Path(name).replace(path)


def _resolve_paths(content: dict[str, Any], folder: Path) -> None:
    """Make relative paths of this machine absolute: they count from the settings file."""
    for *sections, name in _OWN_PATHS:
        _resolve(_section(content, sections), name, folder)
    site = _section(content, ["site"])
    if site.get("transport") == "local":
        for name in _SERVER_PATHS:
            _resolve(site, name, folder)
        if "/" in str(site.get("python", "")):
            _resolve(site, "python", folder)
    url = site.get("store_url")
    if isinstance(url, str) and url.startswith(_SQLITE):
        site["store_url"] = _SQLITE + _absolute(url.removeprefix(_SQLITE), folder)


def _section(content: dict[str, Any], names: list[str]) -> dict[str, Any]:
    for name in names:
        inner = content.get(name)
        content = inner if isinstance(inner, dict) else {}
    return content


def _resolve(section: dict[str, Any], name: str, folder: Path) -> None:
    value = section.get(name)
    if isinstance(value, str) and value:
        section[name] = _absolute(value, folder)


def _absolute(value: str, folder: Path) -> str:
    # Links are kept: the interpreter of a virtual environment is one.
    return os.path.normpath(folder / Path(value).expanduser())


def _describe(fault: ErrorDetails, model: type[BaseModel]) -> str:
    """Say in one line where a fault is, what stands there, what is expected, what to do."""
    place = place_in_document(fault["loc"])
    kind, message = fault["type"], fault["msg"].removeprefix("Value error, ")
    if kind == "missing":
        *section, name = fault["loc"]
        where = f"section [{place_in_document(tuple(section))}]" if section else "the file"
        return f"{place}: is missing; add '{name} = ...' to {where}, see docs/settings.md"
    if kind == "extra_forbidden":
        return f"{place}: is no setting; {_suggest(fault['loc'], model)}"
    found = "" if isinstance(fault["input"], dict | BaseModel) else f" = {fault['input']!r}"
    if kind == "value_error":
        return f"{place}{found}: {message}" if place else message
    return f"{place}{found}: {message[:1].lower()}{message[1:]}; see docs/settings.md"


def _suggest(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    known = sorted(_known_names(model))
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"did you mean {near[0]!r}?" if near else "remove it, see docs/settings.md"


def _known_names(model: type[BaseModel]) -> set[str]:
    return {key.split(".")[-1] for key in setting_keys(model)}


def setting_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """List every setting of a model by its dotted key, entries of lists without a number."""
    keys = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner = _models_in(field.annotation)
        keys += [key] if not inner else []
        for section in inner:
            keys += setting_keys(section, f"{key}.")
    return keys


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """Find the models that an annotation like ``tuple[Limits, ...] | None`` holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    arguments = getattr(annotation, "__args__", ())
    return [model for argument in arguments for model in _models_in(argument)]
