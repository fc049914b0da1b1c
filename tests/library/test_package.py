"""The package as a whole: what importing it loads, what it offers, and which room may use which."""

import ast
import graphlib
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
from book.files import library_files

FOLDER = Path(nndl_lib.__file__).parent
# A room imports from its own layer and from those below, which stand before it.
LAYERS = [
    ["compatibility", "runtime", "_arguments", "_declared"],
    ["autograd", "data", "linear", "functional"],
    ["nn", "rnn"],
    ["models", "text", "optim"],
    ["training"],
    ["inspection", "plotting", "interactive", "checks"],
]
FILES = {  # by the name of the module
    ".".join(file.relative_to(FOLDER).with_suffix("").parts).removesuffix(".__init__"): file
    for file in library_files(FOLDER.parent)
    if file.suffix == ".py" and file != FOLDER / "__init__.py"
}
PUBLIC = [name for name in FILES if not re.search(r"(^|\.)_", name)]


def room(name):
    return name.split(".")[0]


def imports(source):
    """The modules of the library that a source imports, wherever in the source that is."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that one sees where they lead"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in names if name.removeprefix("nndl_lib.") in FILES}
            found |= modules or {node.module}
    return {name.removeprefix("nndl_lib.") for name in found if name.startswith("nndl_lib.")}


def layering_errors(name, source):
    allowed = {
        other
        for layer in LAYERS[: 1 + next(k for k, layer in enumerate(LAYERS) if room(name) in layer)]
        for other in layer
    }
    return sorted(module for module in imports(source) if room(module) not in allowed)


def test_importing_the_package_loads_nothing_else():
    code = "import sys; before = set(sys.modules); import nndl_lib; print(*sorted(set(sys.modules) - before))"
    # Where the package lies, so that the copy under test is the one that is imported.
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["nndl_lib"]


def loaded_by(name):
    """Every module that importing a room loads before a call: the library's own, and the first names of others."""
    found, open_ = set(), {name}
    while open_:
        module = open_.pop()
        found.add(module)
        body = ast.parse(FILES[module].read_text(encoding="utf-8")).body
        top = "\n".join(ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom))
        parents = {module.rpartition(".")[0]} - {""}
        open_ |= (imports(top) | parents) - found
        found |= {re.match(r"(?:from|import) (\w+)", line)[1] for line in top.splitlines()}
    return found


@pytest.mark.parametrize("name", sorted({room(name) for name in PUBLIC}))
def test_a_face_loads_no_other_field(name):
    loaded = loaded_by(name)
    assert "sklearn" not in loaded  # only data sets need it, when they are asked for
    assert ("matplotlib" in loaded) == (name in ("plotting", "interactive"))
    # The first cell of a notebook asks the one what is missing; the other is an engine of NumPy's arrays.
    assert ("torch" not in loaded) == (name in ("compatibility", "autograd"))


@pytest.mark.parametrize("name", ["optim", "autograd"])
def test_what_is_loaded_is_known(name):
    code = f"import sys; import nndl_lib.{name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"matplotlib", "sklearn"} and ("torch" in loaded) == (name == "optim")
    found = {module.removeprefix("nndl_lib.") for module in loaded if module.startswith("nndl_lib.")}
    assert found == loaded_by(name) & FILES.keys()


def test_the_engine_trains_without_torch():
    code = """
import sys
from nndl_lib.autograd import Tensor
w = Tensor([1.0, 2.0], requires_grad=True)
(w * w).sum().backward()
assert w.grad.tolist() == [2, 4] and "torch" not in sys.modules
import nndl_lib.autograd
assert "check_gradients" in dir(nndl_lib.autograd) and not hasattr(nndl_lib.autograd, "check_gradient")
from nndl_lib.autograd import check_gradients
assert "torch" in sys.modules and nndl_lib.autograd.check_gradients is check_gradients
"""
    subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, check=True)


def test_every_room_has_a_layer():
    assert {room(name) for name in FILES} == {name for layer in LAYERS for name in layer}


def test_the_package_names_its_rooms_in_order():
    named = re.findall(r"``(\w+)``", nndl_lib.__doc__)
    assert named == [name for layer in LAYERS for name in layer if not name.startswith("_")]


@pytest.mark.parametrize("name", FILES)
def test_rooms_import_only_from_below(name):
    assert layering_errors(name, FILES[name].read_text(encoding="utf-8")) == []


def test_no_module_imports_itself_by_a_detour():
    graph = {name: imports(file.read_text(encoding="utf-8")) - {name} for name, file in FILES.items()}
    for name in FILES:  # a face that has public modules offers them, and they take nothing from the face
        assert (
            room(name) == name or name not in PUBLIC or room(name) not in graph[name] or name not in graph[room(name)]
        ), name
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, with the way


def test_the_layering_check_sees_every_form():
    for line in (
        "import nndl_lib.interactive",
        "from nndl_lib import interactive",
        "from nndl_lib.interactive import explore",
        "from nndl_lib.interactive._explore import explore",
        "def late():\n    from nndl_lib import interactive as i",
    ):
        assert [room(module) for module in layering_errors("linear", line)] == ["interactive"], line
    assert layering_errors("linear", "from nndl_lib.runtime import generator") == []


@pytest.mark.parametrize("name", FILES)
def test_no_star_imports(name):
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    stars = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]
    assert stars == []


def is_constant(module, public):
    return public.isupper() and not inspect.isclass(getattr(module, public))  # MLP is a class


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names(name):
    module = importlib.import_module(f"nndl_lib.{name}")
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    inside = [other for other in FILES if other == name or other.startswith(f"{name}._")]
    for public in module.__all__:
        value = getattr(module, public)
        if inspect.ismodule(value):  # a public module of the room
            assert value.__name__ == f"nndl_lib.{name}.{public}" and f"{name}.{public}" in PUBLIC
        elif not is_constant(module, public):
            assert value.__module__.removeprefix("nndl_lib.") in inside, f"{public} belongs to another room"
            # A function of the name of its module would hide it: what one gets would depend on how one imports.
            assert f"{name}.{public}" not in FILES
    if not hasattr(module, "__path__"):  # of a plain module, all that has no underscore is offered
        defined = {
            n
            for n, v in vars(module).items()
            if n[0] != "_" and callable(v) and getattr(v, "__module__", None) == module.__name__
        }
        assert {public for public in module.__all__ if not is_constant(module, public)} == defined


@pytest.mark.parametrize("name", PUBLIC)
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


@pytest.mark.parametrize("name", FILES)
def test_functions_that_raise_say_so(name):
    # Every function of the module that has no underscore and raises ValueError itself documents it.
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
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
