"""Numbers in the prose that no run of the chapter can tie, each with the reason: {chapter: {words of the sentence: reason}}."""

UNTIED = {
    "00": {},
    "01": {},
    "02": {},
    "03": {},
    "04": {},
    "05": {
        "this chapter needs the work of about three": "counted in the section What a gradient costs",
        "about 110 minutes": "time to read",
        "stands in them four times": "counted in the formulas above it",
        "only two lists of things to do": "says how the cell above is written",
        "be three times differentiable": "the condition of a theorem",
        "and § = 10. Which mode": "a hypothetical network",
    },
    "06": {
        "about two hours": "time to read",
        "is 0.9 or 0.99, and": "usual values, no result",
    },
    "07": {},
    "08": {},
    "09": {},
    "10": {},
}
