"""The pages of the API reference, from the library's docstrings: Markdown in `reference/`, which git ignores.

Written by reading the sources, not by importing them: that takes a fraction of a second, shows defaults as they were
written, and needs no PyTorch. Sphinx's own autodoc imports the library for every build, and shows each re-exported
name twice. One page for each room of the library: what its face offers, in the order of the face, and then its public
modules. As a Sphinx extension, it writes them if the book's contents name them, before pages are looked for.
"""

import ast
import re
from pathlib import Path

from book.files import library_files, numbered, write_whole

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example", "Examples", "Note", "Notes", "Shapes")
HEADER = "% Written by book/reference.py from the docstrings. Edit those.\n\n"


def escape(text: str) -> str:
    """Prose of a docstring as Markdown: what stands between backticks stays, all else means only itself."""
    parts = re.split(r"(``.+?``|`[^`\n]+`)", text, flags=re.DOTALL)
    return "".join(part if part.startswith("`") else re.sub(r"([*_\[\]<>$#|{}\\])", r"\\\1", part) for part in parts)


class Book:
    """What the reference knows of the book: its modules, and the chapters that docstrings mention."""

    def __init__(self, root: Path):
        self.root = root
        files = {self._name(file): file for file in library_files(root) if file.suffix == ".py"}
        self.trees = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in files.items()}
        self.chapters = {int(file.name[:2]): file.name for file in numbered("chapters", root)}
        named = re.findall(r"``(\w+)``", ast.get_docstring(self.trees["__init__"]) or "")
        self.pages = [name for name in named if name in self.trees]

    def _name(self, file: Path) -> str:
        return ".".join(file.relative_to(self.root / "nndl_lib").with_suffix("").parts).removesuffix(".__init__")

    def link(self, text: str) -> str:
        """Names of chapters and rooms in Markdown as links."""
        text = re.sub(r"\b([Cc]hapters?) (\d\d?)\b(, \"[^\"]+\")?", self._chapter, text)
        return re.sub(r"``(?:nndl_lib\.)?([a-z_]+)``", self._module, text)

    def _chapter(self, match):
        file = self.chapters.get(int(match[2]))
        return f"[{match[1]} {int(match[2])}](../../chapters/{file}){match[3] or ''}" if file else match[0]

    def _module(self, match):
        return f"[`{match[1]}`]({match[1]}.md)" if match[1] in self.pages else match[0]

    def docstring(self, text: str | None) -> str:
        """A docstring, with sections as Google writes them, as Markdown."""
        blocks, lines = [], (text or "").splitlines()
        while lines:
            line = lines.pop(0)
            name = line.removesuffix(":")
            if name in SECTIONS and line != name:
                blocks += [f"**{name}**\n", *self._entries(_indented(lines))]
            elif name.split(":")[0] in SECTIONS and ": " in line:  # all in one line
                blocks.append(f"**{line.split(': ')[0]}**: {escape(line.split(': ', 1)[1])}")
            elif line.rstrip().endswith("::"):
                while lines and not lines[0].strip():
                    lines.pop(0)
                blocks += [escape(line.rstrip()[:-1]), "", "```python", *_indented(lines), "```", ""]
            elif re.match(r" {4}", line) and blocks and not blocks[-1].strip():
                blocks += ["```text", line[4:], *_indented(lines), "```", ""]
            else:
                blocks.append(escape(line))
        parts = re.split(r"(^```.*?^```$)", "\n".join(blocks), flags=re.MULTILINE | re.DOTALL)
        return "".join(part if part.startswith("```") else self.link(part) for part in parts).strip("\n")

    def _entries(self, lines: list[str]) -> list[str]:
        """`name: what it is`, with lines that go on indented, as a list; text without names stays text."""
        found, named = [], False
        for line in lines:
            entry = re.match(r"(\*{0,2}[\w`][\w`.*, /]*): (.*)$|(\*{0,2}[\w`][\w`.*, /]*):$", line)
            if entry and not line.startswith(" "):
                named = True
                found.append(f"- `{(entry[1] or entry[3]).strip('`')}`: {escape(entry[2] or '')}".rstrip())
            else:
                found.append(("  " if named else "") + escape(line.strip()))
        return [*found, ""]

    def page(self, name: str) -> str:
        """The page of a room: of a module, or of a face and its public modules, but those of ``checks``."""
        names = _public(self.trees[name])
        modules = [part for part in self.trees if part.rpartition(".")[0] == name and not part.startswith(f"{name}._")]
        text = [HEADER, f"# `nndl_lib.{name}`\n\n", self.docstring(ast.get_docstring(self.trees[name])), "\n\n"]
        text += self._entries_of(name, [entry for entry in names if f"{name}.{entry}" not in modules], "##")
        for part in modules if name != "checks" else ():
            text += [f"## `nndl_lib.{part}`\n\n", self.docstring(ast.get_docstring(self.trees[part])), "\n\n"]
            text += self._entries_of(part, _public(self.trees[part]), "###")
        return "".join(text)

    def _entries_of(self, module: str, names: list[str], mark: str) -> list[str]:
        """Functions and classes with their docstrings, wherever in the room they are defined, then the constants."""
        inside = [self.trees[other] for other in self.trees if other == module or other.startswith(f"{module}._")]
        nodes = {
            node.name: node for tree in inside for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        text = [f"{mark} {escape(entry)}\n\n{self._member(nodes[entry], '')}\n" for entry in names if entry in nodes]
        constants = [entry for entry in names if entry not in nodes and any(_assigned(tree, entry) for tree in inside)]
        return text + ([f"Constants: {', '.join(f'`{entry}`' for entry in constants)}.\n\n"] if constants else [])

    def _member(self, node, prefix: str) -> str:
        """Signature and docstring; of a class, also its public methods."""
        if isinstance(node, ast.FunctionDef):
            return f"```python\n{_signature(node, prefix)}\n```\n\n{self.docstring(ast.get_docstring(node))}\n"
        bases = f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
        fields = [
            part
            for part in node.body
            if isinstance(part, ast.AnnAssign) and not getattr(part.target, "id", "_").startswith("_")
        ]
        lines = [f"class {node.name}{bases}{':' if fields else ''}", *(f"    {ast.unparse(field)}" for field in fields)]
        methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
        if "__init__" in methods:
            lines[0] = _signature(methods["__init__"], node.name, constructor=True)
        text = [f"```python\n{chr(10).join(lines)}\n```\n\n{self.docstring(ast.get_docstring(node))}\n"]
        for name, method in methods.items():
            if not name.startswith("_") and ast.get_docstring(method):
                text.append(f"\n**{escape(node.name)}.{escape(name)}**\n\n{self._member(method, node.name)}")
        return "".join(text)

    def index(self) -> str:
        rows = []
        for name in self.pages:
            first = " ".join((ast.get_docstring(self.trees[name]) or "").split("\n\n")[0].split())
            about = escape(first.removesuffix(" In a notebook::").replace("::", "."))
            rows.append(f"| [`{name}`](nndl_lib/{name}.md) | {about} |\n")
        return (
            f"{HEADER}# The library\n\nThe chapters build `nndl_lib` by hand and then use it. Each room imports only "
            "from those before it or beside it. These pages are made from its docstrings, so they say what the version "
            f"says that this book was built with.\n\n| room | what it is |\n|---|---|\n{''.join(rows)}"
        )


def _indented(lines: list[str]) -> list[str]:
    """Take the indented lines that come next off the list, without their indentation or blank ends."""
    found = []
    while lines and (not lines[0].strip() or lines[0].startswith("    ")):
        found.append(lines.pop(0)[4:])
    while found and not found[-1]:
        found.pop()
    return found


def _public(tree) -> list[str]:
    """What ``__all__`` names, whose lists are added line by line."""
    statements = [node for node in tree.body if isinstance(node, ast.Assign | ast.AugAssign)]
    lists = [node.value for node in statements if "__all__" in ast.unparse(node).split("=")[0]]
    return [entry for part in lists for entry in ast.literal_eval(part)]


def _assigned(tree, name: str) -> bool:
    names = [
        node
        for part in tree.body
        if isinstance(part, ast.Assign)
        for target in part.targets
        for node in ast.walk(target)
    ]
    return any(getattr(node, "id", "") == name for node in names)


def _signature(node, prefix: str, constructor: bool = False) -> str:
    """As one would write the call, on several lines where it is long."""
    arguments = node.args
    method = bool(prefix) and not any(getattr(mark, "id", "") == "staticmethod" for mark in node.decorator_list)
    if method:  # what is before the dot
        arguments = ast.arguments(
            posonlyargs=arguments.posonlyargs[1:] if arguments.posonlyargs else [],
            args=arguments.args if arguments.posonlyargs else arguments.args[1:],
            vararg=arguments.vararg,
            kwonlyargs=arguments.kwonlyargs,
            kw_defaults=arguments.kw_defaults,
            kwarg=arguments.kwarg,
            defaults=arguments.defaults,
        )
    returns = f" -> {ast.unparse(node.returns)}" if node.returns and not constructor else ""
    name = prefix if constructor else f"{prefix}.{node.name}" if prefix else node.name
    if any(getattr(mark, "id", "") == "property" for mark in node.decorator_list):
        return f"{name}{returns}"
    line = f"{name}({ast.unparse(arguments)}){returns}"
    if len(line) <= 88:
        return line
    return f"{name}(\n    {_split(ast.unparse(arguments))}\n){returns}"


def _split(text: str) -> str:
    """Arguments one a line: at the commas that are in no bracket."""
    depth, found = 0, []
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        found.append(letter)
        if letter == "," and depth == 0:
            found.append("\n   ")
    return "".join(found)


def write(root: Path) -> None:
    """Write the pages that changed, and remove those of modules that are no more."""
    book, folder = Book(root), root / "reference"
    pages = {"index": book.index(), **{f"nndl_lib/{name}": book.page(name) for name in book.pages}}
    for name, text in pages.items():
        write_whole(folder / f"{name}.md", text)  # one that is the same stays, and is not read again by the build
    for file in folder.rglob("*.md"):
        if file.relative_to(folder).with_suffix("").as_posix() not in pages:
            file.unlink()


def setup(app):
    # In setup, since what is in the folder decides, in the event that comes next, which pages there are.
    if "reference/" in Path(app.config.external_toc_path).read_text(encoding="utf-8"):
        write(Path(app.srcdir))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
