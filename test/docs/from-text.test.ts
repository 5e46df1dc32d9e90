import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { writeTinyEncoder } from '../text/tiny-encoder.js'
import { writeNotes } from './notes.js'
import { runNode } from './run-node.js'

vi.setConfig({ testTimeout: 300_000 })

const root = fileURLToPath(new URL('../../', import.meta.url))

const page = readFileSync(join(root, 'docs/from-text.md'), 'utf8')
const [road, further] = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) =>
  block!
    .trim()
    .split('\n')
    .map((line) => /^npx lvm-torch ([^#]*)/.exec(line)![1]!.trim()),
)

it('the four commands from texts to sentences run as the page shows them, each told by the one before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-from-text-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeNotes(join(folder, 'notes'), 20)
  writeTinyEncoder(join(folder, 'encoder'), { hidden: 32 })
  const lvm = (line: string) =>
    runNode([join(root, 'dist', 'bin', 'lvm.js'), ...line.replace('all-MiniLM-L6-v2', 'encoder').split(' ')], folder)
  let told = `data make notes --encoder all-MiniLM-L6-v2 --out notes-base`
  for (const line of road!) {
    expect(told).toContain(line)
    const { stdout, stderr, status } = await lvm(line)
    expect([line, status, status === 0 ? '' : stderr]).toEqual([line, 0, ''])
    told = stdout
  }
  expect(told).toMatch(/\n {2}true next +−?\.\d{4} {2}\w.*\n {2}nearest +−?\.\d{4} {2}\w/)
  for (const line of further!) expect([line, (await lvm(line)).status]).toEqual([line, 0])
})
