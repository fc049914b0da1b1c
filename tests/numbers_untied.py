"""Numbers in the prose that no run of the chapter can tie, each with the reason: {chapter: {words of the sentence: reason}}."""

UNTIED = {
    "00": {
        "(COMS 4995)": "the number of a course",
        "a vote of 100 trees": "a promise; the section on trees measures it",
        "about 50 minutes": "time to read",
        "is the radius below 15?": "a question that a tree might ask",
        "texture below 20?": "a question that a tree might ask",
    },
    "01": {
        "about 80 minutes": "time to read",
    },
    "02": {
        "about 90 minutes": "time to read",
        "twice as far costs four times as much": "the square of two",
    },
    "03": {},
    "04": {},
    "05": {},
    "06": {},
    "07": {},
    "08": {},
    "09": {},
    "10": {},
}
