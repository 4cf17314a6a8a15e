#!/usr/bin/env bash
# Build the kernel with AddressSanitizer and UBSan in a copy of the tree, and run there what gives it damaged files.
# usage: sanitize.sh [seconds of mutations at random]
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
copy=build/sanitize/boltcli
rm -rf build/sanitize
mkdir -p "$copy"
cp -r boltcli tests fixtures pyproject.toml "$copy"
rm -f "$copy"/boltcli/kernel/_kernel*
if [ -d ../shared ]; then ln -s "$(cd ../shared && pwd)" build/sanitize/shared; fi
python="$root/.venv/bin/python"
include=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
compiler=${CC:-gcc}
"$compiler" -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror -fPIC -shared -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all "-I$include" "-DKERNEL_VERSION=$(sed -n 's/^VERSION = \([0-9]*\).*/\1/p' boltcli/kernel/__init__.py)" \
	boltcli/kernel/*.c -o "$copy/boltcli/kernel/_kernel.abi3.so"
asan=$("$compiler" -print-file-name=libasan.so)
cd "$copy"
# Leaks: Python keeps much until its end. SIGBUS is boltcli's own matter: a mapped file may be cut short.
export ASAN_OPTIONS=detect_leaks=0:handle_sigbus=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
export LD_PRELOAD="$asan" PYTHONMALLOC=malloc BOLTCLI_KERNEL=1
"$python" -c 'from boltcli import kernel; assert kernel.state() == "compiled"; print(kernel._kernel.__file__)'
BOLTCLI_KERNEL_MUTANTS=${BOLTCLI_KERNEL_MUTANTS:-60} "$python" -m pytest -q -p no:cacheprovider -m 'not compat' -n 2 \
	tests/kernel/test_kernel.py
"$python" -m tests.fuzz.kernel "${1:-60}"
