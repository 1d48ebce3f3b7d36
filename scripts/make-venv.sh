#!/bin/sh
# Creates a virtual environment with pip at $1. Picks the first Python >= 3.11 it finds; set PYTHON to choose.
# Debian and Ubuntu ship python3 without venv and pip; this script installs them if it has the rights to.
set -eu
target=$1

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

python=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    if is_new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Terrarium needs Python 3.11 or newer${PYTHON:+, and PYTHON=$PYTHON is not}." \
        "Install it, or give its path: make setup PYTHON=/path/to/python3" >&2
    exit 1
fi

create() {
    # Remove an incomplete environment of an earlier attempt.
    rm -rf "$target"
    "$python" -m venv "$target"
}

if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package=python$version-venv
    as_root=
    if [ "$(id -u)" != 0 ]; then
        as_root="sudo -n"
    fi
    if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
        echo "$python has no venv module: installing Debian's package $package" >&2
        $as_root apt-get update -qq >&2 || true
        DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq "$package" >&2 || true
    fi
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "$python lacks the modules venv and ensurepip. On Debian and Ubuntu they are in the package" \
            "$package: run 'apt-get install $package' as root, then 'make setup' again." >&2
        exit 1
    fi
fi
create
