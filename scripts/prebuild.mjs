// Makes prebuilds/<platform>-<arch>/ of what was built: the addon, stripped, and the loader in a folder of its own, where
// node-gyp-build does not take it for the addon. `node scripts/prebuild.mjs [FOLDER]`, where FOLDER is prebuilds by default.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(process.argv[2] ?? join(root, 'prebuilds'), `${process.platform}-${process.arch}`)
const addons = {
  [join(root, 'build', 'Release', 'lvm_torch.node')]: join(folder, 'lvm-torch.node'),
  [join(root, 'build', 'loader', 'loader.node')]: join(folder, 'loader', 'loader.node'),
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(join(folder, 'loader'), { recursive: true })
for (const [from, to] of Object.entries(addons)) {
  copyFileSync(from, to)
  if (process.platform !== 'win32') execFileSync('strip', [process.platform === 'darwin' ? '-Sx' : '--strip-all', to])
  process.stdout.write(`${to} ${(statSync(to).size / 1e6).toFixed(1)} MB\n`)
}
