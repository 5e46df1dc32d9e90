// Builds the two addons: `node scripts/build.mjs [OUT]`. node-gyp-build finds the default OUT, build/Release/lvm_torch.node. CMake works in build-cmake/, because node-gyp owns build/.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const out = resolve(root, process.argv[2] ?? 'build/Release/lvm_torch.node')
const folder = resolve(root, process.env.LVM_TORCH_BUILD ?? 'build-cmake')

async function compile() {
  const libtorch = process.env.LVM_TORCH_LIBTORCH ?? (await import('../dist/lib/libtorch/find.js')).findLibtorch().path
  const args = [
    'compile',
    '--out',
    folder,
    '--parallel',
    String(availableParallelism()),
    `--CDLIBTORCH_DIR=${libtorch}`,
    `--CDNODE_ADDON_API_DIR=${require('node-addon-api').include_dir}`,
    `--CDNODE_API_HEADERS_DIR=${require('node-api-headers').include_dir}`,
  ]
  execFileSync(process.execPath, [require.resolve('cmake-js/bin/cmake-js'), ...args], { cwd: root, stdio: 'inherit' })
}

/** Replaces a file atomically: a process that runs the old file keeps it. */
function publish(from, to) {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(join(folder, from), `${to}.part`)
  renameSync(`${to}.part`, to)
}

// scripts/prebuild.mjs calls this script through binding.gyp after a build, so there is nothing to compile.
if (!process.env.LVM_TORCH_BUILT) await compile()
publish('Release/lvm_torch.node', out)
publish('artifacts/loader/loader.node', join(dirname(dirname(out)), 'loader', 'loader.node'))
