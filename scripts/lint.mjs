// Checks types, TypeScript style and C++ style: `node scripts/lint.mjs`; with --write it formats the files instead.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

const CLANG_FORMAT = '20.1.8'
const folder = join('node_modules', '.cache', 'clang-format')
const own = join(folder, 'clang_format', 'data', 'bin', process.platform === 'win32' ? 'clang-format.exe' : 'clang-format')
const write = process.argv.includes('--write')

const fail = (what, fix) => {
  process.stderr.write(`lint: ${what}\nfix: ${fix}\n`)
  process.exit(1)
}
const env = { ...process.env, PYTHONSAFEPATH: '1' } // so that Python imports no module from the working folder
const quiet = (program, ...args) => spawnSync(program, args, { encoding: 'utf8', env })
/** Runs a program with its output shown; returns whether it succeeded. */
const passes = (program, ...args) => spawnSync(program, args, { stdio: 'inherit' }).status === 0

/** Path of clang-format in the pinned version, as versions format differently; pip fetches it where it is missing. */
function clangFormat() {
  const matches = (program) => quiet(program, '--version').stdout?.includes(`version ${CLANG_FORMAT}`)
  const found = [own, 'clang-format'].find(matches)
  if (found) return found
  const python = ['python3', 'python'].find((name) => quiet(name, '-m', 'pip', '--version').status === 0)
  const install = 'sudo apt-get install -y python3-pip'
  if (!python)
    fail(`expected clang-format ${CLANG_FORMAT}, or python3 with pip to fetch it, but found neither`, `run: ${install}`)
  process.stderr.write(`lint: getting clang-format ${CLANG_FORMAT}\n`)
  mkdirSync(dirname(folder), { recursive: true })
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--root-user-action', 'ignore', '--upgrade']
  const { status, stderr } = quiet(python, ...pip, '--no-deps', '--target', folder, `clang-format==${CLANG_FORMAT}`)
  if (status !== 0 || !matches(own)) {
    const said = stderr.trim().split('\n').at(-1)
    fail(
      `pip could not fetch clang-format ${CLANG_FORMAT}: ${said}`,
      `put clang-format ${CLANG_FORMAT} on the PATH, or give pip access to a network`,
    )
  }
  return own
}

const sources = readdirSync('native', { recursive: true })
  .filter((name) => /\.(cpp|h)$/.test(name))
  .map((name) => join('native', name))
/** Prints each wrong line once; clang-format reports every gap in a line. */
function isFormatted(program) {
  const { status, stderr } = quiet(program, '--dry-run', '-Werror', ...sources)
  const lines = new Set(stderr.match(/^.+:\d+(?=:\d+: error:)/gm))
  for (const line of lines) process.stderr.write(`${line} is not formatted\n`)
  if (status !== 0 && lines.size === 0) process.stderr.write(stderr)
  return status === 0
}
const bin = (name) => {
  const { bin } = JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'))
  return join('node_modules', name, typeof bin === 'string' ? bin : Object.values(bin)[0])
}
if (!existsSync(join('node_modules', 'typescript')))
  fail('expected the packages of this clone but they are not installed', 'run: npm ci')

const checks = {
  tsc: () => passes(process.execPath, join('node_modules', 'typescript', 'bin', 'tsc'), '--noEmit'),
  biome: () => passes(process.execPath, bin('@biomejs/biome'), 'check', '--error-on-warnings', ...(write ? ['--write'] : [])),
  'clang-format': () => (write ? passes(clangFormat(), '-i', ...sources) : isFormatted(clangFormat())),
}
const failed = Object.entries(checks).flatMap(([name, check]) => (check() ? [] : [name]))
if (failed.length > 0) fail(`${failed.join(', ')} found errors`, write ? 'fix the errors above' : 'run: npm run format')
process.stdout.write(`lint: ${write ? 'everything is formatted' : 'no errors'}\n`)
