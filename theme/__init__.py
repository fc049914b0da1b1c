"""How a page looks and works: Sphinx extensions, the layout (`nndl/`), the style sheet and the scripts (`static/`).

    style         the one style sheet; what others bring stays out
    page          the page: what its frame needs, what is done to its text
    formulas      math, rendered while the book is built
    interactive   explorers and other pieces that move: frames as files, scripts served once
    buttons       the line below a title: Colab, Binder, download, edit
    site          the page of all explorers, the page for addresses that lead nowhere, the site's map

What makes the sources of pages is in `book/`, which knows nothing of this folder.
"""
