"""Numbers in the prose that no run of the chapter can tie, each with the reason: {chapter: {words of the sentence: reason}}."""

UNTIED = {
    "00": {},
    "01": {},
    "02": {},
    "03": {},
    "04": {},
    "05": {},
    "06": {},
    "07": {},
    "08": {},
    "09": {},
    "10": {},
}
