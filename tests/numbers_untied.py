"""Numbers in the prose that no run of the chapter can tie, each with the reason: {chapter: {words of the sentence: reason}}."""

UNTIED = {
    "00": {},
    "01": {},
    "02": {},
    "03": {
        "about two hours to read": "how long a reader takes",
        "1 where at least": "the meaning of a majority",
        "A classifier that says": "an example of what a forecast may say",
        "If a model says 80 % on many": "the meaning of calibrated, for any number",
        "about 80 % of those a": "the meaning of calibrated, for any number",
    },
    "04": {
        "minutes to read with": "how long a reader takes",
        "in one dimension, a": "(4.13) with numbers put in",
        "bits it would be a billion": "the width of (4.9) for a table that nobody builds",
    },
    "05": {},
    "06": {},
    "07": {},
    "08": {},
    "09": {},
    "10": {},
}
