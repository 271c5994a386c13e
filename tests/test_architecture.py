"""The house rules that a linter cannot see: weight of imports, requirements, names, documents."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def modules_loaded_by(statement: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.partition(".")[0] for name in run.stdout.split()}


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import background_executor.cli", {"tensorflow", "zfit", "streamlit"}),
        ("import background_executor.queries", {"tensorflow", "zfit", "paramiko", "numba"}),
        ("import dashboard.views", {"tensorflow", "zfit", "streamlit", "numba"}),
        ("import server_side.cli", {"tensorflow", "zfit", "streamlit", "paramiko", "sqlalchemy"}),
        ("import server_side.scan, server_side.result, server_side.journal", {"numpy", "numba"}),
    ],
)
def test_a_module_does_not_load_what_it_has_no_use_for(statement: str, forbidden: set[str]) -> None:
    assert modules_loaded_by(statement) & forbidden == set()


def requirement_lines(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-"))}


def test_the_clusters_requirements_are_part_of_the_projects() -> None:
    assert requirement_lines("server_side/requirements.txt") < requirement_lines("requirements.txt")


def test_every_direct_dependency_is_locked_with_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    wanted = requirement_lines("requirements.txt") | requirement_lines("requirements-dev.txt")
    for line in wanted:
        name = re.split(r"[<>=!]", line)[0].lower()
        assert re.search(rf"(?m)^{re.escape(name)}==\S+ .*\\\n    --hash=sha256:", lock), name


def test_the_lock_file_holds_no_index_address() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_versions_of_package_and_cluster_part_agree() -> None:
    from server_side import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


@pytest.mark.parametrize("folder", ["server_side", "background_executor", "dashboard"])
def test_no_file_and_no_function_is_longer_than_the_house_allows(folder: str) -> None:
    import ast

    too_long = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = path.read_text()
        if text.count("\n") > 400:
            too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 40:
                    too_long.append(f"{path.relative_to(ROOT)}: {node.name} has {length} lines")
    assert too_long == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert named
    assert named <= targets


def test_every_folder_of_the_house_has_a_readme() -> None:
    for folder in ("server_side", "background_executor", "dashboard"):
        assert (ROOT / folder / "README.md").is_file(), folder


CONTRACT = frozenset(
    {"boundary", "errors", "scan", "settings", "layout", "order", "result", "publish"}
    | {"journal", "acquisitions", "hv_curve", "__init__"}
)
"""What the other folders may import of ``server_side``, as its docstring says."""
PART_OF_THE_CONTRACT = frozenset({"chi2", "durable_files", "hv_line", "raw_names"})
"""What the contract itself is made of."""


def test_the_import_contract_knows_every_module_of_the_cluster_part() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    guarded = next(c for c in contracts["contracts"] if "contract modules" in c["name"])
    listed = {name.removeprefix("server_side.") for name in guarded["forbidden_modules"]}
    present = {path.stem for path in (ROOT / "server_side").glob("*.py")}
    present |= {path.parent.name for path in (ROOT / "server_side").glob("*/*.py")}
    assert listed == present - CONTRACT - PART_OF_THE_CONTRACT
