// Makes prebuilds/<platform>-<arch>/ from an existing build with prebuildify: `node scripts/prebuild.mjs [FOLDER]`, by default this
// package. PREBUILD_ARCH and LVM_TORCH_BUILD select another processor and the folder of its build.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const headers = createRequire(import.meta.url)('node-api-headers').include_dir
const build = resolve(root, process.env.LVM_TORCH_BUILD ?? 'build-cmake')
const out = resolve(process.argv[2] ?? root)

// prebuildify deletes build/ and moves the addon out of it. A separate folder lets this clone keep its build.
const stage = join(build, 'stage')
rmSync(stage, { recursive: true, force: true })
mkdirSync(join(stage, 'node', 'include'), { recursive: true })
for (const name of ['binding.gyp', 'package.json', 'CMakeLists.txt']) copyFileSync(join(root, name), join(stage, name))
symlinkSync(join(root, 'scripts'), join(stage, 'scripts'), 'junction')

// node-gyp downloads Node's headers unless a folder is named. The headers of Node-API are enough; common.gypi only has to exist.
symlinkSync(headers, join(stage, 'node', 'include', 'node'), 'junction')
writeFileSync(
  join(stage, 'node', 'common.gypi'),
  "{ 'target_defaults': { 'default_configuration': 'Release', 'configurations': { 'Release': {}, 'Debug': {} } } }\n",
)

rmSync(join(out, 'prebuilds', `${process.platform}-${process.env.PREBUILD_ARCH ?? process.arch}`), {
  recursive: true,
  force: true,
})
// npm puts its own node-gyp on the PATH of its scripts.
const words = ['prebuildify', '--napi', '--strip', '--cwd', stage, '--out', out, '--artifacts', join(build, 'artifacts')]
execFileSync('npm', ['exec', '--offline', '--', ...words], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...process.env, LVM_TORCH_BUILT: '1', npm_config_nodedir: join(stage, 'node') },
})
