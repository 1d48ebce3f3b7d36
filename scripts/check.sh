#!/bin/sh
# Everything that can be said about the code without running it. Each part runs even when an earlier one failed.
set -u
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=

part() {
    name=$1
    shift
    before=$(date +%s)
    if said=$("$@" 2>&1); then
        echo "ok      $name ($(($(date +%s) - before)) s)"
    else
        printf '%s\nFAILED  %s\n' "$said" "$name"
        failed="$failed, $name"
    fi
}

part "format" $bin/ruff format --check --quiet --output-format concise
part "lint" $bin/ruff check --quiet --output-format concise
part "import contracts" $bin/lint-imports --no-logo
if [ -f scripts/contract.py ]; then
    part "generated files" $bin/python scripts/contract.py --check
fi
part "types" sh scripts/with-node.sh node node_modules/pyright/index.js --threads 2

if [ -n "$failed" ]; then
    echo "make check failed: ${failed#, }. For the format and some of the lint: make format" >&2
    exit 1
fi
