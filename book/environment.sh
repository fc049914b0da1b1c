#!/usr/bin/env bash
# An environment of Python packages. Make calls this:   bash book/environment.sh .venv 'what pip installs'
#
# It is made where there is none, brought up to date where requirements.lock or pyproject.toml changed, and made again
# where it belongs to another folder or to another Python: its programs and its link to the library hold the folder's
# name. What it was made for is in pyvenv.cfg, which Python wrote. PYTHON may name the Python to use; else the one that is
# there stays.
set -euf -o pipefail # f: brackets in what pip installs are no pattern
cd "$(dirname "${BASH_SOURCE[0]}")/.."
environment=$1 packages=$2 own=$1/bin/python

version_of() { "$1" -E -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

made_with() { sed -n "s/^$1 = //p" "$environment/pyvenv.cfg" 2>/dev/null; }

# Why the environment cannot be used, or nothing. $1: the version of Python that is asked for, or nothing.
fault() {
  local now
  if [[ $(made_with command) != *" $(pwd -P)/$environment" ]]; then
    echo "was made for another folder"
  elif ! now=$(version_of "$own"); then
    echo "was made with $(made_with executable), which is gone"
  elif [[ $(made_with version) != "$now".* ]]; then
    echo "was made with Python $(made_with version), and $(made_with executable) is $now now"
  elif [[ -n $1 && $1 != "$now" ]]; then
    echo "has Python $now, and $1 is asked for"
  elif [[ ! -f $environment/installed ]] && ! "$own" -c 'import pip' 2>/dev/null; then
    echo "is not complete"
  fi
}

# Stops with a line that says what to do, if this Python cannot make the environment.
check() {
  local version other="Say where another one is: make PYTHON=/path/to/python3"
  if ! command -v "$1" >/dev/null; then
    echo "No '$1' here. Install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3" && exit 1
  fi
  version=$(version_of "$1") || { echo "'$1' does not start, or is no Python. $other" && exit 1; }
  if (( ${version%.*} < 3 || (${version%.*} == 3 && ${version#*.} < 11) )); then
    echo "Python is $version here ('$1'); the book needs 3.11 or newer. $other" && exit 1
  fi
  if ! "$1" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "This Python cannot make environments ('$1'). On Debian and Ubuntu: apt install python3-venv" && exit 1
  fi
}

python=${PYTHON:-python3} asked=""
if [[ -n ${PYTHON:-} ]]; then
  check "$python"
  asked=$(version_of "$python")
fi
if [[ -e $environment || -L $environment ]]; then
  why=$(fault "$asked")
  if [[ -n $why ]]; then
    check "$python" # before anything is removed
    echo "environment: $environment $why; it is made again"
    rm -rf "$environment"
  fi
fi
if [[ $environment/installed -nt requirements.lock && $environment/installed -nt pyproject.toml ]]; then
  exit 0
fi

[[ -x $own ]] || { check "$python"; "$python" -m venv "$environment"; }
echo "environment: installing packages into $environment (minutes the first time)"
# shellcheck disable=SC2086 # several words
"$own" -m pip install --disable-pip-version-check --progress-bar off $packages | awk \
  '/^(Collecting|Requirement already)/ && ++n % 25 == 0 {print "  found " n} /^Installing/ {print "  installing"} {fflush()}'
"$own" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
touch "$environment/installed" # last, so that an interrupted installation is finished by the next call
