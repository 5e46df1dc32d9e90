// Packs what the check needs beside the files of the repository, for a machine without network and without Node: node bench/gpu/pack.mjs
// There, in the repository's folder: tar xzf build-gpu/kit.tar.gz && build-gpu/node bench/gpu/check.mjs --python /path/to/python
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '..', '..')
const IMPORT =
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"\n]+)['"]|\b(?:import|require|require\.resolve)\(\s*['"]([^'"\n]+)['"]\s*\)/gm

/** Packages that the check imports, directly or through lvm-torch, and those that they depend on. */
function packages() {
  const files = new Set(
    readdirSync(here)
      .filter((file) => file.endsWith('.mjs') && file !== 'pack.mjs')
      .map((file) => join(here, file)),
  )
  const found = new Set(['node-addon-api', 'node-api-headers', 'node-gyp-build'])
  for (const file of files) {
    if (!existsSync(file)) continue
    for (const [, one, other] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const name = one ?? other
      if (name.startsWith('.')) files.add(resolve(dirname(file), name))
      else if (!name.startsWith('node:') && !builtinModules.includes(name))
        found.add(name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
    }
  }
  found.delete('typescript') // dist/ is packed instead
  for (const name of found) {
    const about = join(root, 'node_modules', name, 'package.json')
    if (!existsSync(about)) found.delete(name)
    else for (const needed of Object.keys(JSON.parse(readFileSync(about, 'utf8')).dependencies ?? {})) found.add(needed)
  }
  return [...found].sort().map((name) => join('node_modules', name))
}

const [node, kit] = [join('build-gpu', 'node'), join('build-gpu', 'kit.tar.gz')]
mkdirSync(join(root, 'build-gpu'), { recursive: true })
copyFileSync(process.execPath, join(root, node))
execFileSync('tar', ['-czf', kit, '-C', root, node, 'dist', ...packages()], { cwd: root, stdio: ['ignore', 2, 2] })
process.stdout.write(`${packages().join('\n')}\n${kit}: ${(statSync(join(root, kit)).size / 2 ** 20).toFixed(1)} MiB\n`)
