import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { writeNotes } from '../docs/notes.js'
import { runNode } from '../docs/run-node.js'
import { writeTinyEncoder } from '../text/tiny-encoder.js'

const examples = fileURLToPath(new URL('../../examples/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(name: string, ...words: string[]) {
  const { status, stdout, stderr } = await runNode([join(examples, name), ...words], folder)
  return { status, stderr, lines: stdout.trim().split('\n') }
}
const numbers = (lines: readonly string[], pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).map(Number)

/** Mean cosine of the last vector of a context with its target in the sample, from its card. */
const COPYING = 0.405

/** Arguments of an example that has no default data. */
const WORDS: Record<string, () => string[]> = {
  'notes-to-sentences.mjs': () => [
    writeNotes(join(folder, 'notes'), 12),
    writeTinyEncoder(join(folder, 'encoder'), { hidden: 32 }),
  ],
}

/** Check of each example's output; a new example fails until it has one. */
const EXPECTED: Record<string, (lines: string[]) => void> = {
  'train-and-predict.mjs': (lines) => {
    const cosines = numbers(lines, /^epoch \d: validation cosine (-?[\d.]+)$/)
    expect(cosines).toHaveLength(3)
    expect(cosines[2]).toBeGreaterThan(Math.max(cosines[0]!, COPYING))
    expect(lines.at(-2)).toMatch(/^the next vector has 768 numbers, the first are -?0\.\d{4}, -?0\.\d{4}, -?0\.\d{4}$/)
    const [predicted, last] = /^its cosine with the sixth sentence is (-?[\d.]+), that of the fifth (-?[\d.]+)$/
      .exec(lines.at(-1)!)!
      .slice(1)
      .map(Number)
    expect(predicted).toBeGreaterThan(last!)
  },
  'compare-with-baselines.cjs': (lines) => {
    const text = lines.join('\n')
    for (const name of ['mean vector', 'copy last', 'context mean', 'exponential mean', 'ridge']) expect(text).toContain(name)
    const [copied, ...models] = numbers(lines, /^ *(?:copy last|example_\w+) +(\.\d+)/).reverse()
    for (const model of models) expect(model).toBeGreaterThan(copied!)
    expect(lines.slice(-2).map((line) => line.split(':')[0])).toEqual(['example_lstm', 'example_gru'])
    expect(numbers(lines, /^example_\w+: (-?[\d.]+) against \w+/)).toHaveLength(2)
  },
  'own-loop.mjs': (lines) => {
    const errors = numbers(lines, /^step \d+: mean squared error ([\d.]+)$/)
    expect(errors).toHaveLength(5)
    expect(errors).toEqual([...errors].sort((a, b) => b - a))
    expect(errors.at(-1)!).toBeLessThan(0.8 * errors[0]!)
  },
  'own-architecture.mjs': (lines) => {
    const cosines = numbers(lines, /^epoch \d: validation cosine (-?[\d.]+)$/)
    expect(cosines).toHaveLength(3)
    expect(cosines[2]).toBeGreaterThan(Math.max(cosines[0]!, COPYING))
    expect(lines[3]).toMatch(/^gated-stack has \d+ parameters$/)
    expect(lines.join('\n')).toMatch(/^gated-stack: .* the best baseline/m)
  },
  'train-loop.mjs': (lines) => {
    const own = numbers(lines, /^epoch \d: validation loss ([\d.e-]+)$/)
    const theirs = numbers(lines, /^trainer, epoch \d: validation loss ([\d.e-]+)$/)
    expect([own.length, theirs.length]).toEqual([3, 4]) // the trainer also evaluates the untrained model
    expect(own.at(-1)!).toBeLessThan(theirs[0]!)
    expect(Math.abs(own.at(-1)! / theirs.at(-1)! - 1)).toBeLessThan(0.03)
    const [mine, trainer] = lines.slice(-2).map((line) => /: mean cosine (.*) on (\d+) validation windows$/.exec(line)!)
    expect(mine![2]).toBe(trainer![2])
    expect(Math.abs(Number(mine![1]) - Number(trainer![1]))).toBeLessThan(0.02)
  },
  'notes-to-sentences.mjs': (lines) => {
    expect(lines[0]).toMatch(/^\d+ sentences of 12 notes, 32 dimensions, in notes-base\.npy$/)
    expect(lines[1]).toMatch(/^reachable by [\w ]+: cosine -?\d\.\d{4}$/)
    expect(numbers(lines, /^epoch \d: validation cosine (-?[\d.]+)$/).length).toBeGreaterThan(1)
    expect(numbers(lines, /^true next sentence among the nearest ten: ([\d.]+) %, by chance [\d.]+ %$/)).toHaveLength(1)
    const found = lines.flatMap((line) => /^found (.+) \(cosine -?[\d.]+\)$/.exec(line)?.[1] ?? [])
    const notes = readdirSync(join(folder, 'notes')).map((name) => readFileSync(join(folder, 'notes', name), 'utf8'))
    expect(found).toHaveLength(3)
    for (const text of found)
      expect(
        notes.some((note) => note.replace(/\s+/g, ' ').includes(text)),
        text,
      ).toBe(true)
  },
}

const scripts = readdirSync(examples).filter((name) => /\.[cm]js$/.test(name)) // Python runs in the long suite, the plan in test/experiment

describe.each(scripts)('%s', (name) => {
  it(`the example ${name} runs on the sample`, { timeout: 300_000 }, async () => {
    const { status, stderr, lines } = await run(name, ...(WORDS[name]?.() ?? []))
    expect(stderr).toBe('')
    expect(status).toBe(0)
    EXPECTED[name]!(lines)
  })
  it(`the example ${name} is short, and reports a bad file with a code`, { timeout: 120_000 }, async () => {
    expect(readFileSync(join(examples, name), 'utf8').trim().split('\n').length).toBeLessThanOrEqual(40)
    const [, ...others] = WORDS[name]?.() ?? []
    for (const made of readdirSync(folder).filter((file) => file.startsWith('notes-base')))
      rmSync(join(folder, made), { recursive: true })
    const { status, stderr } = await run(name, join(folder, 'missing.npy'), ...others)
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/expected vectors for|expected a folder or file of texts/)
  })
})
