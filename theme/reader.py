"""Sphinx extension: what a page remembers of its reader, and that it can be read again without a network.

All of it stays in the reader's browser: theme/static/reader.js, theme/static/offline-worker.js. Where the browser
stores nothing, or the pages are files, what needs a store is simply not there.
"""

import hashlib
import re
from pathlib import Path

from book.files import write_whole

# Fills the line that stands above it, before what follows is painted, so that nothing moves.
GO_ON = """(function(line){try{
var kept=JSON.parse(localStorage.getItem("nndl-reader"))||{},name=line.dataset.page||kept.last,place=kept.places[name];
var link=line.querySelector("a"),root=document.documentElement.dataset.content_root,done=(kept.done||[]).length;
if(line.dataset.page){
if(location.hash||place.next||performance.getEntriesByType("navigation")[0].type!="navigate")return;
link.textContent="Go on where you stopped: "+place.section;link.href=place.at
}else{
var next=place.next;
link.textContent=next?"Go on with "+next.title.replace(/^(\\d+)\\. /,"chapter $1, ")
:"Go on in "+place.title.replace(/^(\\d+)\\. /,"chapter $1, ")+": "+place.section;
link.href=root+(next?next.page:name+".html"+place.at);
if(done)line.querySelector("span").textContent=done+(done==1?" exercise":" exercises")+" done."
}
line.hidden=false}catch(e){}})(document.currentScript.previousElementSibling)"""

OFFLINE = """<section><h1>This page is not here without a network</h1>
<p>There is no network now, and this page has not been opened in this browser before. What you have opened is kept:</p>
<ul>
<!-- kept -->
</ul></section>"""


def go_on(app, pagename, _template, context, _doctree):
    context["page_go_on"] = pagename == app.config.root_doc or bool(re.match(r"(chapters|exercises)/\d", pagename))
    context["page_go_on_script"] = GO_ON


def offline_page(_app):
    yield "offline", {"title": "This page is not here without a network", "body": OFFLINE}, "layout.html"


def write_worker(app, error):
    """With a name for all that was built, so that each build starts it anew in browsers that have another one."""
    if error is not None or app.builder.format != "html":
        return
    found = hashlib.sha256(app.nndl_digest.encode())
    for page in sorted(Path(app.outdir).rglob("*.html")):
        if page.name != "index.html":  # copied when all is done
            found.update(page.read_bytes())
    worker = Path(app.srcdir, "theme", "static", "offline-worker.js").read_text(encoding="utf-8")
    write_whole(Path(app.outdir, "offline-worker.js"), worker.replace("{build}", found.hexdigest()[:16]))


def setup(app):
    app.connect("html-page-context", go_on)
    app.connect("html-collect-pages", offline_page)
    app.connect("build-finished", write_worker, priority=900)  # after what removes pages
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
