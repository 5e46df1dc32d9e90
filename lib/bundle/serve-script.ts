/** What `./serve` needs to know. */
export interface Served {
  readonly platform: string
  readonly arch: string
  /** Lowest major and minor version of Node. */
  readonly node: readonly [number, number]
  readonly glibc: string | null
  /** Newest symbol version of libstdc++ that is needed, such as `3.4.30`. */
  readonly glibcxx: string | null
  readonly runs: readonly string[]
  readonly bank: string | null
  /** Encoder of a bank without a card. */
  readonly space?: string | undefined
}

/** Word in single quotes for a POSIX shell. */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`

/** JavaScript for any version of Node, as it has to run where the rest does not: names the first thing that does not fit. */
const check = ({ platform, arch, node: [major, minor], glibc, glibcxx }: Served) => {
  const [high, low] = (glibc ?? '0.0').split('.')
  return `
var v = process.versions.node.split("."), here = process.platform + "-" + process.arch, wrong, fix;
var report = process.report && process.report.getReport ? (process.report.excludeNetwork = true, process.report.getReport()) : null;
if (typeof report === "string") report = JSON.parse(report);
var glibc = report && report.header.glibcVersionRuntime, g = (glibc || "0.0").split(".");
if (here !== "${platform}-${arch}") { wrong = "a bundle for ${platform}-${arch} to run there but this Node is for " + here; fix = "make the bundle on a machine of this kind, or install the Node for ${arch}"; }
else if (+v[0] < ${major} || (+v[0] === ${major} && +v[1] < ${minor})) { wrong = "Node ${major}.${minor} or newer but this is " + process.version; fix = "install a newer Node, or name one: NODE=/path/to/node ./serve"; }
else if ("${platform}" === "linux" && !glibc) { wrong = "glibc ${high}.${low} or newer but this Linux has another C library (musl)"; fix = "use a Debian, Ubuntu or RHEL image instead of Alpine"; }
else if (+g[0] < ${high} || (+g[0] === ${high} && +g[1] < ${low})) { wrong = "glibc ${high}.${low} or newer but this is glibc " + glibc; fix = "use a newer Linux"; }
var cxx = ((report && report.sharedObjects) || []).filter(function (path) { return /libstdc[+][+]/.test(path); })[0];
if (!wrong && cxx && ${glibcxx !== null} && require("fs").readFileSync(cxx).indexOf("GLIBCXX_${glibcxx}\\0") < 0) { wrong = "a libstdc++ with GLIBCXX_${glibcxx} but " + cxx + " is older"; fix = "use a newer Linux"; }
if (wrong) { process.stderr.write("LIBTORCH_MISMATCH: serve: expected " + wrong + "\\nfix: " + fix + "\\n"); process.exitCode = 4; }
`
}

/** Text of the program `serve` of a bundle, for a POSIX shell. */
export const serveScript = (served: Served): string => `#!/bin/sh
# Serves the runs of this bundle: ./serve [options of «lvm-torch serve»], ./serve --verify
# Variables: NODE (program), LVM_TORCH_CACHE (folder that can be written).
set -eu

# Follows links, so that /usr/local/bin/serve may point here.
self=$0
while [ -h "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=$(dirname "$self")/$link ;; esac
done
here=$(CDPATH= cd -P "$(dirname "$self")" && pwd)

node=\${NODE:-node}
if ! command -v "$node" >/dev/null 2>&1; then
  echo "LIBTORCH_MISMATCH: serve: expected Node ${served.node.join('.')} or newer but there is no program $node" >&2
  echo "fix: install Node, or name it: NODE=/path/to/node $0" >&2
  exit 4
fi
"$node" -e '${check(served)}'

lvm=$here/app/dist/bin/lvm.js
if [ ! -f "$lvm" ]; then
  echo "FILE_MISSING: serve: expected $lvm but it does not exist" >&2
  echo "fix: unpack the bundle again" >&2
  exit 2
fi
export LVM_TORCH_LIBTORCH="$here/libtorch"
unset LVM_TORCH_USE_PYTORCH LVM_TORCH_ANY_VERSION
# A service may have no home folder. Without a cache that can be written, libtorch is tried anew at each start.
if [ -z "\${LVM_TORCH_CACHE:-}" ] && [ ! -w "\${HOME:-/nonexistent}" ]; then export LVM_TORCH_CACHE="$here/cache"; fi

if [ "\${1:-}" = --verify ]; then
  shift
  exec "$node" "$lvm" bundle verify "$here" "$@"
fi
"$node" "$lvm" bundle verify "$here" --quick >/dev/null

# Options that replace the runs or the bank of this bundle.
runs=yes
bank=${served.bank === null ? 'no' : 'yes'}
for word; do
  case $word in --models-file | --models-file=*) runs=no ;; --bank | --bank=*) bank=no ;; esac
done
${served.bank === null ? '' : `if [ $bank = yes ]; then set -- --bank "$here"/${quoted(served.bank)}${served.space === undefined ? '' : ` --space ${quoted(served.space)}`} "$@"; fi\n`}if [ $runs = yes ]; then set -- ${served.runs.map((run) => `"$here"/runs/${quoted(run)}`).join(' ')} "$@"; fi
exec "$node" "$lvm" serve "$@"
`
