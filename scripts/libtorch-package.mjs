// Packs the libtorch of this machine as an npm package of this platform, for installations without Python:
// `npm run libtorch:package [-- FOLDER]`, by default build/libtorch-package. Prints the name, the sizes and the path of the tarball as JSON.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { program } from '../dist/lib/bundle/program.js'
import { LIBTORCH_PACKAGE, VERSION } from '../dist/lib/libtorch/pins.js'

/** Packed size above which the package is not published. Units: bytes. */
const MOST = 150e6

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const out = resolve(process.argv[2] ?? join(root, 'build', 'libtorch-package'))
const folder = join(out, 'package')
const { repository, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { libtorch, libraries } = await program()
if (libtorch.variant !== 'cpu') {
  process.stderr.write(`libtorch-package: expected libtorch for the CPU but ${libtorch.path} is for ${libtorch.variant}\n`)
  process.stderr.write('fix: npx lvm-torch libtorch install cpu\n')
  process.exit(4)
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(join(folder, 'lib'), { recursive: true })
for (const [name, path] of libraries.shipped) {
  const to = join(folder, 'lib', name)
  copyFileSync(realpathSync(path), to)
  // Without the table of local symbols, which nothing reads at run time: a fifth of the file.
  if (process.platform === 'linux') execFileSync('strip', ['--strip-unneeded', to])
}
if (existsSync(join(libtorch.path, 'LICENSE'))) copyFileSync(join(libtorch.path, 'LICENSE'), join(folder, 'LICENSE'))
writeFileSync(join(folder, 'variant.json'), `${JSON.stringify({ version: libtorch.version, variant: 'cpu' })}\n`)
writeFileSync(
  join(folder, 'README.md'),
  `# ${LIBTORCH_PACKAGE}

libtorch ${libtorch.version} for ${process.platform}-${process.arch}, CPU only, as lvm-torch loads it: the libraries of the wheel of PyTorch, stripped.
Install it beside lvm-torch where there is no Python. PyTorch is under the BSD-3-Clause licence (LICENSE); on Linux, libcudart and libcupti,
which libtorch_cpu needs even without a GPU, are under NVIDIA's CUDA Toolkit licence, and libgomp is under the GPL with GCC's runtime exception.
`,
)
const about = {
  name: LIBTORCH_PACKAGE,
  version: VERSION,
  description: `libtorch ${VERSION} for lvm-torch on ${process.platform}-${process.arch}, CPU only`,
  license: 'SEE LICENSE IN README.md',
  ...(repository && { repository }),
  os: [process.platform],
  cpu: [process.arch],
  ...(process.platform === 'linux' && { libc: ['glibc'] }),
  engines,
  preferUnplugged: true,
}
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(about, null, 2)}\n`)
const packing = ['pack', folder, '--json', '--ignore-scripts', '--pack-destination', out]
const said = execFileSync('npm', packing, {
  encoding: 'utf8',
  shell: process.platform === 'win32',
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [{ filename, unpackedSize }] = Object.values(JSON.parse(said))
const tarball = join(out, filename)
const { size } = statSync(tarball)
process.stdout.write(
  `${JSON.stringify({ name: LIBTORCH_PACKAGE, version: VERSION, packed_bytes: size, unpacked_bytes: unpackedSize, tarball })}\n`,
)
if (size > MOST) {
  process.stderr.write(`libtorch-package: expected at most ${MOST} bytes packed but there are ${size}\n`)
  process.exit(1)
}
