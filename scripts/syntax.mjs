// Checks the syntax of native/ for platforms that this machine cannot build for: `node scripts/syntax.mjs darwin|windows`.
// darwin: Clang with the C++ library of macOS. windows: MinGW, where long has 32 bits and POSIX is missing.
// Both read the headers of this machine's libtorch, so they do not replace the CI jobs that build on those systems.
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

const COMPILERS = {
  darwin: {
    programs: ['clang++', 'clang++-16', 'clang++-18', 'clang++-19'],
    flags: ['-stdlib=libc++'],
    first: '',
    packages: 'clang-16 libc++-16-dev libc++abi-16-dev',
  },
  windows: {
    programs: ['x86_64-w64-mingw32-g++-posix'],
    // GCC refuses functions that are both imported and defined. Microsoft's compiler accepts them, and libtorch's headers contain them.
    flags: ['-U__declspec', '-D__declspec(x)='],
    // The Linux headers of libtorch use the assertion of glibc.
    first: 'extern "C" void __assert_fail(const char*, const char*, unsigned, const char*);\n',
    packages: 'g++-mingw-w64-x86-64-posix',
  },
}

const fail = (what, fix) => {
  process.stderr.write(`syntax: ${what}\nfix: ${fix}\n`)
  process.exit(1)
}
const system = process.argv[2]
if (!(system in COMPILERS)) fail(`expected darwin or windows but received ${system}`, 'name one of them')
const { programs, flags, first, packages } = COMPILERS[system]

const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-syntax-'))
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))
const header = join(scratch, 'all.h')
writeFileSync(header, '#include <string>\n')
const works = (program) => spawnSync(program, [...flags, '-fsyntax-only', '-x', 'c++', header], { stdio: 'ignore' }).status === 0
const compiler = programs.find(works)
if (compiler === undefined)
  fail(
    `expected one of ${programs.join(', ')} with its C++ library but found none`,
    `on Debian run: sudo apt-get install -y ${packages}`,
  )

const require = createRequire(import.meta.url)
const libtorch = (await import('../dist/lib/libtorch/find.js')).findLibtorch().path
const includes = [
  join(libtorch, 'include'),
  join(libtorch, 'include/torch/csrc/api/include'),
  require('node-addon-api').include_dir,
  require('node-api-headers').include_dir,
]
const common = [
  ...['-std=c++20', '-DNAPI_VERSION=9', '-DNODE_ADDON_API_CPP_EXCEPTIONS_ALL', '-I.', ...flags],
  ...includes.flatMap((folder) => ['-isystem', folder]),
]
const compile = (...words) => promisify(execFile)(compiler, [...common, ...words], { maxBuffer: 1 << 28 })

writeFileSync(header, `${first}#include "native/torch.h"\n`)
await compile('-x', 'c++-header', header, '-o', `${header}.gch`)
const sources = readdirSync('native', { recursive: true }).filter((name) => name.endsWith('.cpp'))
const queue = sources.values()
const check = async () => {
  for (const name of queue) {
    await compile('-include', header, '-fsyntax-only', join('native', name)).catch(({ message }) => {
      process.stderr.write(`${message}\n`)
      process.exitCode = 1
    })
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, check))
process.stdout.write(
  `syntax: ${process.exitCode ? 'errors in some' : 'no error in any'} of ${sources.length} files with ${compiler}\n`,
)
