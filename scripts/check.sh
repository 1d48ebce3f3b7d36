#!/bin/sh
# All static checks of the code. Each part runs, even if an earlier one failed.
set -u
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=

part() {
    name=$1
    shift
    before=$(date +%s)
    if output=$("$@" 2>&1); then
        echo "ok      $name ($(($(date +%s) - before)) s)"
    else
        printf '%s\nFAILED  %s\n' "$output" "$name"
        failed="$failed, $name"
    fi
}

pyright() {
    sh scripts/with-node.sh node node_modules/pyright/index.js "$@"
}

# In two processes of about equal duration. Pyright's own threads would each read all the libraries; the sketch
# kind uses little more than NumPy.
types() {
    sketches=pocket/src/terrarium_pocket/sketch
    pyright $sketches &
    pyright $(find server pocket client tests tests-local tests-peers bench scripts conftest.py \
        -name '*.py' -not -path "$sketches/*" -not -path '*/.*')
    status=$?
    wait $! && return $status
}

part "format" $bin/ruff format --check --quiet --output-format concise
part "lint" $bin/ruff check --quiet --output-format concise
part "import contracts" $bin/lint-imports --no-logo
if [ -f scripts/contract.py ]; then
    part "generated files" $bin/python scripts/contract.py --check
fi
part "licences" $bin/python scripts/licences.py --check
part "types" types

if [ -n "$failed" ]; then
    echo "make check failed: ${failed#, }. For the format and some of the lint: make format" >&2
    exit 1
fi
