"""Numbers in the prose that no run of the chapter can tie, each with the reason: {chapter: {words of the sentence: reason}}."""

UNTIED = {
    "00": {},
    "01": {},
    "02": {},
    "03": {},
    "04": {},
    "05": {},
    "06": {},
    "07": {
        "about two hours": "minutes to read",
        "suddenly a thousand times": "an illustration before the run",
        "= 0.75. Batch normalization": "published",
        "From about ten": "a habit of the field, said to be no result",
        "all that one of five layers": "the question, before any run",
    },
    "08": {
        "about two hours": "minutes to read",
        "never more than 1.69": "published",
        "weight decay 0.05": "a hypothetical paper",
        "a 6 turned by 180": "geometry",
        "≈ 3.00 and": "arithmetic of a solution",
        "= 0.005:": "arithmetic of a solution",
        "= 2.5. (c) With": "arithmetic of a solution",
        "= 0.1. A weight gets": "given in an exercise",
        "= 0.25. (a) Which values": "given in an exercise",
        "saves six": "of 72 and 11 sets, which are checked",
        "six of seven": "of 72 and 11 sets, which are checked",
    },
    "09": {},
    "10": {},
}
