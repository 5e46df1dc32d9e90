// Prepares a clone: installs packages, compiles TypeScript, gets libtorch, builds the addon. Skips steps that are up to date.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

const fail = (what, fix, exit = 1) => {
  process.stderr.write(`${what}\nfix: ${fix}\n`)
  process.exit(exit)
}
const run = (program, ...args) => {
  const { status, error } = spawnSync(program, args, {
    stdio: 'inherit',
    shell: process.platform === 'win32' && program === 'npm',
  })
  if (error) fail(`bootstrap: ${program} does not start: ${error.message}`, `put ${program} on the PATH`)
  if (status !== 0) process.exit(status ?? 1)
}
const answers = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
const timed = (title, work) => {
  process.stderr.write(`${title} …\n`)
  const start = performance.now()
  work()
  process.stderr.write(`${title}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`)
}

/** Lists all files below the given paths. */
const below = (paths) =>
  paths.flatMap((path) => (statSync(path).isDirectory() ? below(readdirSync(path).map((name) => join(path, name))) : [path]))
const digest = (paths, ...more) => {
  const hash = createHash('sha256').update(JSON.stringify(more))
  for (const path of below(paths).sort()) hash.update(`${path}\0`).update(readFileSync(path))
  return hash.digest('hex')
}
/** Does `work` unless it was done for the same inputs and `product` still exists. */
const whenChanged = (name, product, inputs, title, work) => {
  const stamp = join('build', `${name}.stamp`)
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return
  timed(title, work)
  mkdirSync('build', { recursive: true })
  writeFileSync(stamp, inputs)
}

/** Whether node_modules agrees with package-lock.json; packages for other platforms may be absent. */
function packagesAreThere() {
  if (!existsSync('node_modules/.package-lock.json')) return false
  const { packages: wanted } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const { packages: present } = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8'))
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || (present[path] ? present[path].version === version : optional),
  )
}

/** Scripts that complete what the compiler wrote. */
const STEPS = ['option-comments', 'bundle-packages', 'public-types'].map((name) => `scripts/${name}.mjs`)

function compile() {
  // Compiled to another folder and renamed, so that no incomplete dist is run; `tsc -b` would keep files without a source.
  rmSync('build/dist', { recursive: true, force: true })
  run(
    process.execPath,
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--outDir',
    'build/dist',
    '--incremental',
    'false',
    '--tsBuildInfoFile',
    'null',
  )
  for (const step of STEPS) run(process.execPath, step, 'build/dist')
  chmodSync('build/dist/bin/lvm.js', 0o755)
  rmSync('dist', { recursive: true, force: true })
  renameSync('build/dist', 'dist')
}

function compileAddon() {
  const install =
    process.platform === 'darwin' ? 'xcode-select --install; brew install cmake' : 'sudo apt-get install -y cmake g++ make'
  if (!answers('cmake'))
    fail('bootstrap: expected cmake on the PATH to build the addon but found none', `run: ${install} (or: pip install cmake)`)
  const compilers = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++']
  if (process.platform !== 'win32' && !compilers.some(answers)) {
    fail(`bootstrap: expected a C++20 compiler (${compilers.join(', ')}) but found none`, `run: ${install}`)
  }
  if (process.platform !== 'win32' && !['ninja', 'make'].some(answers))
    fail('bootstrap: expected ninja or make but found neither', `run: ${install}`)
  run(process.execPath, 'scripts/build.mjs')
}

if (!packagesAreThere()) timed('installing packages', () => run('npm', 'ci', '--no-audit', '--no-fund'))

whenChanged(
  'typescript',
  'dist/bin/lvm.js',
  digest(['lib', 'bin', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', ...STEPS]),
  'compiling TypeScript',
  compile,
)

const { search, findLibtorch } = await import('../dist/lib/libtorch/find.js')
const named = () => process.env.LVM_TORCH_LIBTORCH || process.env.LVM_TORCH_USE_PYTORCH
if (!search().libtorch && !named())
  timed('getting libtorch', () => run(process.execPath, 'dist/bin/lvm.js', 'libtorch', 'install'))

let libtorch
try {
  libtorch = findLibtorch()
} catch (error) {
  fail(`${error.code}: ${error.message}`, error.hint, error.exit)
}

const sources = digest(['native', 'cmake', 'CMakeLists.txt', 'scripts/build.mjs'], libtorch.version, process.arch)
whenChanged('native', 'build/Release/lvm_torch.node', sources, 'building the addon', compileAddon)
