"""The pages of ``docs/``, the README and the API as one site: ``make docs``.

    python -m model_tests.site

Makes ``build/site``, which opens from disk and fetches nothing (its search needs a server, as
``python -m http.server``): the pages as they are, the README in front, what stands in the
docstrings of what is public, the state diagrams from the tables, and the page to click
through.  Any warning of mkdocs, a link that leads nowhere among them, is an error.  mkdocs
is installed beside the environment.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import foregone
from bench.beside import ROOT, Beside
from foregone_spec import draw
from foregone_spec.page import page

SITE: Final = Beside("site-tools", ROOT / "docs" / "requirements.txt")
SOURCE: Final = ROOT / "build" / "site-source"
TARGET: Final = ROOT / "build" / "site"

#: What the pages are called, in order.
PAGES: Final = {
    "index.md": "foregone",
    "cookbook.md": "Cookbook",
    "migration.md": "Coming from concurrent.futures",
    "api.md": "API",
    "tables.md": "The tables",
    "assurance.md": "What is assured",
    "museum.md": "The museum",
    "conformance.md": "Judge an executor",
    "measurements.md": "Measurements",
    "decisions.md": "Decisions",
    "models.md": "The models in TLA+",
    "changelog.md": "Changelog",
}
#: Where what is public stands; what needs no page of its own is left out.
_NOT_SHOWN: Final = ("__version__", "InterpreterPoolExecutor")
_MERMAID: Final = re.compile(r"^```mermaid\n.*?^```$", re.DOTALL | re.MULTILINE)
#: Links of the checkout, and what they are on the site.
_MOVED: Final = {
    "](docs/": "](",
    "](../README.md": "](index.md",
    "](../docs/": "](",
    "](../tla/README.md": "](models.md",
}


def moved(text: str) -> str:
    """Return a page whose links lead to other pages of the site."""
    for ours, theirs in _MOVED.items():
        text = text.replace(ours, theirs)
    return text


#: What is public, and stands in modules of its own.
_MORE: Final = (
    "foregone.events.Event",
    "foregone.events.Observer",
    "foregone.testing.SimulatedProcessPool",
    "foregone.testing.SimulatedFuture",
    "foregone.testing.Stuck",
)


def api() -> str:
    """Return the page of all that is public, with its docstrings."""
    shown = [name for name in foregone.__all__ if name not in _NOT_SHOWN]
    lines = ["# API", "", "All that `foregone` has, and what it says of itself.", ""]
    for name in shown:
        made: object = getattr(foregone, name)
        home = getattr(made, "__module__", "")
        if isinstance(made, str):
            lines += [f"## {name}", "", f"`{made!r}`: an argument of `wait`.", ""]
        elif home.startswith("foregone."):
            lines += [f"::: {home}.{name}", ""]
        else:
            lines += [f"## {name}", "", f"The standard one: `{home}.{name}`.", ""]
    for name in _MORE:
        lines += [f"::: {name}", ""]
    return "\n".join(lines)


def tables() -> str:
    """Return the page of all tables, each with its diagram where it has one."""
    lines = ["# The tables", "", "The library executes these. They are printed from it.", ""]
    for name, machine in draw.machines().items():
        lines += [f"## {machine.title}", "", draw.markdown(machine), ""]
        if machine.moves:
            lines += [f"![{machine.title}]({name}.svg)", ""]
    lines += ["[The process pool, step by step](process-pool.html){ target=_blank }", ""]
    return "\n".join(lines)


def prepare() -> None:
    """Put all that the site is made of into one folder."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    pages = SOURCE / "docs"
    pages.mkdir(parents=True)
    texts = {each.name: each.read_text(encoding="utf-8") for each in (ROOT / "docs").glob("*.md")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    texts["index.md"] = _MERMAID.sub("![One future](future.svg)", readme)
    texts["models.md"] = (ROOT / "tla" / "README.md").read_text(encoding="utf-8")
    texts["changelog.md"] = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    texts["api.md"], texts["tables.md"] = api(), tables()
    for name, text in texts.items():
        (pages / name).write_text(moved(text), encoding="utf-8")
    for picture in (ROOT / "docs").glob("*.png"):
        shutil.copy(picture, pages)
    for name, machine in draw.machines().items():
        if machine.moves:
            (pages / f"{name}.svg").write_text(draw.svg(machine), encoding="utf-8")
    (pages / "process-pool.html").write_text(page(), encoding="utf-8")
    (SOURCE / "mkdocs.yml").write_text(json.dumps(_configuration(), indent=1), encoding="utf-8")


def _configuration() -> dict[str, object]:
    """Return what mkdocs is told; JSON is YAML."""
    options = {
        "docstring_style": "sphinx",
        "heading_level": 2,
        "show_root_heading": True,
        "show_root_full_path": False,
        "show_source": False,
        "show_bases": False,
        "members_order": "source",
        "separate_signature": True,
        "show_signature_annotations": True,
    }
    paths = [str(ROOT / "impl"), str(ROOT / "spec")]
    handlers = {"python": {"paths": paths, "options": options}}
    dark = {"media": "(prefers-color-scheme: dark)", "scheme": "slate"}
    light = {"media": "(prefers-color-scheme: light)", "scheme": "default"}
    return {
        "site_name": "foregone",
        "site_url": "",
        "use_directory_urls": False,
        "docs_dir": "docs",
        "site_dir": str(TARGET),
        "theme": {"name": "material", "font": False, "palette": [light, dark]},
        "plugins": ["search", {"mkdocstrings": {"handlers": handlers}}],
        "markdown_extensions": ["tables", "attr_list", {"toc": {"permalink": True}}],
        "nav": [{title: name} for name, title in PAGES.items()],
        "validation": {"links": {"anchors": "warn", "not_found": "warn"}},
    }


def main() -> int:
    """Build the site; return the exit code."""
    if why := SITE.install():
        print(f"docs: what builds the site cannot be installed: {why}", file=sys.stderr)
        return 1
    prepare()
    path = os.pathsep.join([str(SITE.folder()), str(ROOT / "impl"), str(ROOT / "spec")])
    command = (sys.executable, "-m", "mkdocs", "build", "--strict", "--clean")
    environment = {**os.environ, "PYTHONPATH": path, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        command, cwd=SOURCE, env=environment, check=False, capture_output=True, text=True
    )  # not quietly: it would not count what it does not say
    if built.returncode:
        print(built.stdout + built.stderr, file=sys.stderr)
    else:
        shown = Path(os.path.relpath(TARGET / "index.html", ROOT))
        print(f"{shown}: {len(list(TARGET.rglob('*.html')))} pages")
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
