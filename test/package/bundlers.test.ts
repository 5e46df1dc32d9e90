import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000 })

const app = mkdtempSync(join(tmpdir(), 'lvm-torch-bundlers-'))
afterAll(() => rmSync(app, { recursive: true, force: true }))
mkdirSync(join(app, 'node_modules'))
symlinkSync(process.cwd(), join(app, 'node_modules/lvm-torch'), 'junction')
const program = join(app, 'app.js')
writeFileSync(program, "import { listModels, LvmError } from 'lvm-torch'\nconsole.log(typeof LvmError, typeof listModels)\n")

/** Bundles the program away from its packages and runs it. */
async function bundled(format: 'esm' | 'cjs', options: BuildOptions = {}) {
  const outfile = join(app, `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`)
  await build({ entryPoints: [program], outfile, bundle: true, platform: 'node', format, logLevel: 'silent', ...options })
  const { status, stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test.each(['esm', 'cjs'] as const)('a bundle (%s) that took lvm-torch in says that it has to be external', async (format) => {
  const { status, stderr } = await bundled(format)
  expect(status).toBe(1)
  expect(stderr).toContain('expected its addon and its other files around its code')
  expect(stderr).toMatch(/code: 'BUNDLED'/)
  expect(stderr).toMatch(/hint: 'mark lvm-torch as external/)
})

test.each(['esm', 'cjs'] as const)('a bundle (%s) with lvm-torch as external runs', async (format) => {
  expect(await bundled(format, { external: ['lvm-torch'] })).toEqual({ status: 0, stdout: 'function function\n', stderr: '' })
})
