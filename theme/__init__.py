"""How a page looks and works: Sphinx extensions, the layout (`nndl/`), the style sheet and the scripts (`static/`).

    style         the one style sheet
    anchors       addresses for equations and exercises
    references    links to them, to chapters and to terms of the glossary, wherever the text mentions them
    formulas      math, rendered while the book is built
    pictures      how small a picture may become on a phone
    writer        how the parts of a text are written as HTML: figures, tables, folds
    interactive   explorers and other pieces that move: frames as files, scripts served once
    page          what stands around the text
    search        what the search looks through: sections, exercises, terms
    reader        where the reader stopped, and reading without a network; all of it in the reader's browser
    buttons       the line below a title: Colab, Binder, download, edit
    site          the page of all explorers, the page for addresses that lead nowhere, the site's map

What makes the sources of pages is in `book/`, which knows nothing of this folder.
"""
