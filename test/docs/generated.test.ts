import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { ERRORS } from '../../lib/errors.js'
import { trainFields } from '../../lib/train/train-fields.js'
import { watchFields } from '../../lib/train/watch/watch-fields.js'
import { runNode } from './run-node.js'

vi.setConfig({ testTimeout: 180_000 }) // a busy machine needs minutes

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = (name: string) => readFileSync(join(root, name), 'utf8')
const docs = (folder: string, ...words: string[]) => runNode([join(folder, 'scripts', 'docs.mjs'), ...words])

it('every generated page agrees with its tables (npm run docs writes them)', async () => {
  const { status, stderr } = await docs(root, '--check')
  expect(stderr).toBe('')
  expect(status).toBe(0)
})

it('every model, option and error has a line in the docs', () => {
  for (const { name, title, fields } of architectures) {
    expect(page('README.md')).toMatch(new RegExp(`^\\| \\S+ \\| \`${name}\` \\| ${title} \\| [\\d,]+ \\|`, 'm'))
    for (const key of Object.keys(fields)) expect(page('docs/architectures.md')).toContain(`| \`${key}\` |`)
  }
  for (const [key, { about }] of Object.entries({ ...trainFields, ...watchFields }))
    expect(page('docs/options.md')).toContain(`\`${key}\``.concat(about && ' |'))
  for (const [code, { exit }] of Object.entries(ERRORS)) expect(page('docs/errors.md')).toContain(`| \`${code}\` | ${exit} |`)
})

it('docs/api.md lists every export of the package and every option of train with its description', async () => {
  const api = page('docs/api.md')
  const names = (await import('../../lib/index.js')) as Record<string, unknown>
  for (const name of Object.keys(names)) expect(api).toContain(`\n### \`${name}\`\n`)
  const options = api.split('#### `TrainOptions`')[1]!.split('\n### ')[0]!
  for (const [key, { about }] of Object.entries(trainFields)) {
    expect(options).toMatch(new RegExp(`^\\| \`${key}\\?`, 'm'))
    expect(options).toContain(about.replaceAll('|', '\\|'))
  }
  expect(api).not.toMatch(/\.ts:\d+/) // line numbers of sources change with every edit
})

it('docs.mjs --check names a stale page, and docs.mjs rewrites it', async () => {
  const clone = mkdtempSync(join(tmpdir(), 'lvm-torch-docs-'))
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }))
  for (const name of ['package.json', 'README.md', 'SECURITY.md', 'docs', 'scripts', 'dist'])
    cpSync(join(root, name), join(clone, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'), 'junction')
  const stale = join(clone, 'docs', 'errors.md')
  writeFileSync(stale, readFileSync(stale, 'utf8').replace('| 7 |', '| 70 |'))
  const { status, stderr } = await docs(clone, '--check')
  expect([status, stderr]).toEqual([1, 'docs: docs/errors.md differ from their tables\nfix: run: npm run docs\n'])
  expect((await docs(clone)).stdout).toBe('docs: wrote docs/errors.md\n')
  expect(readFileSync(stale, 'utf8')).toBe(page('docs/errors.md'))
})
