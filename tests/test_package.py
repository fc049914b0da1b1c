"""The package as a whole: what importing it loads, what it offers, and which module may use which."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from matplotlib.colors import Colormap

import nndl_lib

FOLDER = Path(nndl_lib.__file__).parent
CHAPTER_CHECKS = sorted({path.stem for path in (FOLDER / "checks").glob("*.py")} - {"__init__", "engine", "mistakes", "trial", "values", "words", "worker"})
# Each imports only from those before it. A package comes after its parts, whose names it offers as its own.
ORDER = [
    *("compatibility", "arguments", "runtime", "checks.values", "checks.words", "checks.mistakes", "checks.worker", "checks.trial", "checks.engine", *(f"checks.{name}" for name in CHAPTER_CHECKS)),
    *("data", "downloads", "mnist", "toys", "sequences", "linear"),
    *("functional.precision", "functional.transforms"),
    *("functional.pointwise", "functional.losses", "functional.normalization", "functional.stochastic"),
    *("functional.sliding", "functional.convolution", "functional.pooling", "functional"),
    *("nn.linear", "nn.activations", "nn.mlp", "nn.normalization", "nn.dropout", "nn.blocks", "nn.convolution"),
    *("nn.architectures", "nn.residual", "nn.densenet", "nn", "init", "probes"),
    *("rnn.padding", "rnn.steps", "rnn.through_time", "rnn.fused", "rnn.cells", "rnn.layers", "rnn.inspection", "rnn"),
    "architecture",
    *("text.characters", "text.ngrams", "text.models", "text"),
    *("updates", "optimizer", "optim", "lbfgs", "schedules"),
    *("regularization", "augmentation", "training", "ensembles", "ensemble_training"),
    *("processes", "averages", "checkpoint", "loader", "callbacks", "stepper", "trainer"),
    *("autograd.arrays", "autograd.graph", "autograd.tensor", "autograd.operations", "autograd"),
    *("gradcheck", "plotting", "plotting_classes", "plotting_graphs", "widgets"),
    *("pieces", "playground", "draw_digit"),
]
PACKAGES = [name for name in ORDER if any(other.startswith(f"{name}.") for other in ORDER)]


def imports(source):
    """The modules that a source imports, by full name, wherever in the source that is."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = ("nndl_lib." if node.level else "") + (node.module or "")
            found.append(module.rstrip("."))
            found += [f"{module.rstrip('.')}.{alias.name}" for alias in node.names]
    return found


def layering_errors(name, source):
    allowed = ORDER[: ORDER.index(name)]
    imported = {module.removeprefix("nndl_lib.") for module in imports(source)}
    return sorted(module for module in ORDER if module in imported and module not in allowed)


def file_of(name):
    return FOLDER / f"{name.replace('.', '/')}{'/__init__' if name in PACKAGES else ''}.py"


def test_importing_the_package_loads_nothing_else():
    code = "import sys; before = set(sys.modules); import nndl_lib; print(*sorted(set(sys.modules) - before))"
    # Where the package lies, so that the copy under test is the one that is imported.
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["nndl_lib"]


def test_loading_what_chapters_use_first_is_lazy():
    # Neither the data sets nor the plots are needed by one who takes only linear models.
    code = "import sys, nndl_lib.linear, nndl_lib.data; print('sklearn' in sys.modules, 'matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_modules_are_those_in_the_order():
    found = sorted(path for path in FOLDER.rglob("*.py"))
    assert found == sorted([FOLDER / "__init__.py", FOLDER / "checks" / "__init__.py", *map(file_of, ORDER)])


def test_the_package_names_its_modules_in_order():
    sentence = re.search(r"Modules, each importing only.*", nndl_lib.__doc__, re.DOTALL).group()
    assert re.findall(r"``(\w+)``", sentence) == list(dict.fromkeys(name.split(".")[0] for name in ORDER))


@pytest.mark.parametrize("name", ORDER)
def test_modules_import_only_from_those_before(name):
    assert layering_errors(name, file_of(name).read_text(encoding="utf-8")) == []


def test_the_layering_check_sees_every_form():
    for line in (
        "import nndl_lib.interactive._explore",
        "from nndl_lib import widgets",
        "from nndl_lib.widgets import explore",
        "from . import widgets",
        "from .widgets import explore",
        "def late():\n    from nndl_lib import widgets as w",
    ):
        assert layering_errors("linear", line) == ["widgets"], line
    assert layering_errors("linear", "from nndl_lib.runtime import generator") == []


@pytest.mark.parametrize("name", ["__init__", *ORDER])
def test_no_star_imports(name):
    tree = ast.parse(file_of(name).read_text(encoding="utf-8"))
    stars = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]
    assert stars == []


def is_constant(module, public):
    return public.isupper() and not inspect.isclass(getattr(module, public))  # MLP is a class


@pytest.mark.parametrize("name", ORDER)
def test_public_names(name):
    module = importlib.import_module(f"nndl_lib.{name}")
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    defined = {
        public
        for public, value in vars(module).items()
        if not public.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__
    }
    # Constants are in capitals; some of them, color maps, can be called.
    offered = {public for public in module.__all__ if not is_constant(module, public)}
    if name in PACKAGES:
        parts = [importlib.import_module(f"nndl_lib.{part}") for part in ORDER if part.startswith(f"{name}.")]
        defined = {public for part in parts for public in part.__all__}
        for part in parts:
            assert all(getattr(module, public) is getattr(part, public) for public in part.__all__)
            # A function of the name of its module would hide it: what one gets would depend on how one imports.
            assert part.__name__.rpartition(".")[2] not in module.__all__
    assert offered == defined  # neither a name forgotten nor one that is another module's


@pytest.mark.parametrize("name", ORDER)
def test_public_names_have_docstrings(name):
    module = importlib.import_module(f"nndl_lib.{name}")
    for public in module.__all__:
        value = getattr(module, public)
        if is_constant(module, public):  # the only constants are colors and a map of colors, told by their names
            assert isinstance(value, Colormap) or re.fullmatch("#[0-9A-F]{6}", value), public
            continue
        text = value.__doc__
        # A named tuple without a docstring is given its own signature as one.
        assert text and not text.startswith(f"{public}("), f"{name}.{public} has no docstring"
        if inspect.isclass(value):
            for part, method in vars(value).items():
                if inspect.isfunction(method) and not part.startswith("_"):
                    assert method.__doc__, f"{name}.{public}.{part} has no docstring"


@pytest.mark.parametrize("name", ORDER)
def test_functions_that_raise_say_so(name):
    # Every public function of the module that raises ValueError itself documents it.
    tree = ast.parse(file_of(name).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            if any(isinstance(part, ast.Raise) for part in ast.walk(node)):
                text = ast.get_docstring(node)
                assert "Raises:" in text or "errors as for" in text, f"{name}.{node.name}"


def test_version_is_the_projects():
    project = FOLDER.parent / "pyproject.toml"
    if not project.exists():
        pytest.skip("the package is installed without its project file")
    assert nndl_lib.__version__ == tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]


def test_every_package_is_installed():
    project = FOLDER.parent / "pyproject.toml"
    if not project.exists():
        pytest.skip("the package is installed without its project file")
    packages = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = sorted(path.parent.relative_to(FOLDER.parent) for path in FOLDER.rglob("__init__.py"))
    assert packages == [folder.as_posix().replace("/", ".") for folder in folders]
