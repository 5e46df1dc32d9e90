// Compiles TypeScript where that is missing, and runs the check of a GPU: npm run check:gpu -- --help
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')
if (!existsSync(join(root, 'dist'))) {
  const fail = (what) => {
    process.stderr.write(
      `check:gpu: ${what}\nfix: bring dist/ along (npm run build makes it), or run npm ci where there is a network\n`,
    )
    process.exit(1)
  }
  let compiler
  try {
    compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  } catch {
    fail('expected dist/, or the package typescript to compile it, but found neither')
  }
  const options = ['-p', 'tsconfig.build.json', '--incremental', 'false', '--tsBuildInfoFile', 'null']
  if (spawnSync(process.execPath, [compiler, ...options], { cwd: root, stdio: ['ignore', 2, 2] }).status !== 0)
    fail('TypeScript does not compile')
}
await import('./run-check.mjs')
