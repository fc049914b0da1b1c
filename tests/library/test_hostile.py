"""Every public function and layer, given what it does not expect: a right result or a clear error (hostile.py)."""

import pytest

from tests import hostile

SUBJECTS = hostile.subjects()
USED = set()  # the exceptions that were needed


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name.removeprefix("nndl_lib."))
def test_hostile_calls(subject, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    trials = list(hostile.trials(subject))
    assert trials or all(p.name in hostile.FREE for p in subject.parameters)
    USED.update(pattern for trial in trials if trial.wrong for pattern in hostile.excepted(trial))
    wrong = [trial for trial in trials if trial.wrong and not hostile.excepted(trial)]
    assert not wrong, f"{len(wrong)} of {len(trials)} calls\n" + "\n".join(map(str, wrong))


def test_no_exception_has_become_needless(request):
    if len(SUBJECTS) + 1 > sum(item.path.name == "test_hostile.py" for item in request.session.items):
        pytest.skip("needs all others of this module")
    assert not hostile.EXCEPTIONS.keys() - USED


def test_everyone_outside_is_there():
    names = [f"{module}.{name}" for module, names in hostile.NAMES.items() for name in names]
    for pattern in hostile.OUTSIDE:
        assert any(
            hostile.fnmatchcase(name, pattern) or name.startswith(pattern + ".") or pattern.startswith(name + ".")
            for name in names
        ), f"{pattern} is in OUTSIDE of tests/hostile_table.py, and nowhere else"
