import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { serveMetrics } from '../../lib/serve/http/serve-metrics.js'
import { serveFields } from '../../lib/serve/serve-fields.js'
import { kebab } from '../../lib/show.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
const rulesFile = join(root, 'deploy/prometheus-rules.yaml')
const rules: { alert: string; expr: string; for?: string; labels: { severity: string }; annotations: { summary: string } }[] =
  parse(readFileSync(rulesFile, 'utf8')).groups.flatMap(({ rules }: { rules: unknown[] }) => rules)

/** First cells of the table below a heading. */
const column = (heading: string, at = 0) =>
  page
    .split(`\n## ${heading}\n`)[1]!
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|')[at + 1]!.trim().replaceAll('`', ''))
/** Name, kind and labels of every metric that a server exposes. */
async function exposed() {
  const metrics = serveMetrics(
    () => [],
    () => true,
  )
  const text = await metrics.text()
  metrics.close()
  return new Map(Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, kind]) => [name!, kind!]))
}

test('docs/operations.md lists every metric that the server exposes with its kind, and no other', async () => {
  const kinds = column('Metrics', 1)
  expect(Object.fromEntries(column('Metrics').map((name, i) => [name, kinds[i]]))).toEqual(Object.fromEntries(await exposed()))
})
test('docs/operations.md says for every alarm of deploy/prometheus-rules.yaml its severity and what to do', () => {
  const severities = column('Alarms', 2)
  expect(column('Alarms').map((name, i) => [name, severities[i]])).toEqual(
    rules.map(({ alert, labels }) => [alert, labels.severity]),
  )
  for (const cell of column('Alarms', 3)) expect(cell.length).toBeGreaterThan(30)
})
test('every alarm reads metrics that the server exposes', async () => {
  const known = new Map(await exposed())
  for (const { alert, expr } of rules) {
    const names = [...expr.matchAll(/\blvm_\w+/g)].map(([name]) => name)
    if (alert !== 'LvmServeDown') expect(names.length, alert).toBeGreaterThan(0)
    for (const name of names) {
      const base = known.get(name.replace(/_bucket$/, '')) === 'histogram' ? name.replace(/_bucket$/, '') : name
      expect(known.has(base), `${alert}: ${name}`).toBe(true)
    }
  }
})
test('every option of serve that docs/operations.md names exists', () => {
  const known = new Set(Object.keys(serveFields).map(kebab))
  const elsewhere = new Set([
    'p99',
    'raw',
    'rate',
    'duration',
    'bank',
    'verify',
    'json',
    'no-same-owner',
    'now',
    'since',
    'build',
    'build-arg',
    'replicas',
  ])
  const named = [...page.matchAll(/`--([a-z][a-z-]+)|(?<=[ \]])--([a-z][a-z-]+)/g)].map(([, a, b]) => (a ?? b)!)
  for (const flag of named.filter((flag) => !elsewhere.has(flag))) expect(known, `--${flag}`).toContain(flag)
})
test('every file that docs/operations.md links exists', () => {
  for (const [, path] of page.matchAll(/\]\((?!#|http)([^)#]+)/g)) expect(existsSync(join(root, 'docs', path!)), path).toBe(true)
})

/** promtool, from the PATH or LVM_TORCH_TEST_PROMTOOL. */
const promtool = process.env.LVM_TORCH_TEST_PROMTOOL ?? 'promtool'
test.skipIf(spawnSync(promtool, ['--version']).error !== undefined)('promtool accepts the alarms', () => {
  expect(execFileSync(promtool, ['check', 'rules', rulesFile], { encoding: 'utf8' })).toContain(
    `SUCCESS: ${rules.length} rules found`,
  )
})
