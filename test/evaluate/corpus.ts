import { readFileSync, writeFileSync } from 'node:fs'
import { type Audit, auditBase } from '../../lib/audit/audit.js'
import type { Check, Level } from '../../lib/audit/audit-findings.js'
import { audit } from '../../lib/audit/run-audit.js'
import { openBase } from '../../lib/data/open.js'
import { synth } from '../../lib/data/synth.js'
import { normals } from '../../lib/data/synth-process.js'
import { bytesOf, npy, scratch, storedZip } from '../files/fixture.js'

export interface Made {
  readonly kind?: 'directed' | 'reversible' | 'noise'
  readonly rows?: number
  readonly dim?: number
  readonly articles?: number
  readonly seed?: number
}
/** A line of a side file. */
export interface Line {
  article_id: string
  index: number
  [key: string]: unknown
}

let made = 0
/** Path of a synthetic corpus, with or without a planted defect. */
export async function corpus(o: Made = {}, plant?: (vectors: Float32Array, dim: number, lines: Line[]) => void): Promise<string> {
  const { kind = 'directed', rows = 3000, dim = 32, articles = 60, seed = 1 } = o
  const out = scratch(`corpus-${made++}.npy`)
  await synth({ kind, rows, dim, articles, seed, out })
  if (plant === undefined) return out
  const side = out.replace(/npy$/, 'jsonl')
  const vectors = vectorsOf(out)
  const lines = readFileSync(side, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  plant(vectors, dim, lines)
  writeFileSync(out, npy('<f4', [rows, dim], bytesOf(vectors)))
  writeFileSync(side, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return out
}

/** Values of a float32 .npy file. */
export function vectorsOf(path: string): Float32Array {
  const bytes = readFileSync(path)
  const start = 10 + bytes.readUInt16LE(8)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length))
}

/** Cuts sequences of `context` vectors and a target `lag` rows after them, inside the articles of a corpus. */
export function sequences(
  path: string,
  dim: number,
  o: { context?: number; lag?: number; reversed?: boolean; keys?: boolean } = {},
) {
  const { context = 5, lag = 1, reversed = false } = o
  const vectors = vectorsOf(path)
  const lines = readFileSync(path.replace(/npy$/, 'jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  const ids = [...new Set(lines.map((line) => line.article_id))]
  const row = (i: number) => vectors.subarray(i * dim, (i + 1) * dim)
  const windows = lines.flatMap((line, at) => {
    const target = at + context - 1 + lag
    return lines[target]?.article_id === line.article_id ? [{ at, target, article: ids.indexOf(line.article_id) }] : []
  })
  return { windows, context, row, reversed, dim, lines }
}
type Cut = ReturnType<typeof sequences>

/** Writes sequences as .npz; `halves` assigns windows to a training and a validation half. */
export function npz(
  name: string,
  cut: Cut,
  o: { halves?: (i: number) => boolean; truth?: (i: number) => [number, number] } = {},
): string {
  const arrays = (windows: Cut['windows'], prefix = '') => {
    const order = Array.from({ length: cut.context }, (_, i) => (cut.reversed ? cut.context - 1 - i : i))
    const contexts = Float32Array.from(windows.flatMap(({ at }) => order.flatMap((i) => [...cut.row(at + i)])))
    const targets = Float32Array.from(windows.flatMap(({ target }) => [...cut.row(target)]))
    const keys = Int32Array.from(windows.flatMap(({ article, target }, i) => o.truth?.(i) ?? [article, cut.lines[target]!.index]))
    const n = windows.length
    return [
      { name: `${prefix}context_sequences.npy`, data: npy('<f4', [n, cut.context, cut.dim], bytesOf(contexts)) },
      { name: `${prefix}target_vectors.npy`, data: npy('<f4', [n, cut.dim], bytesOf(targets)) },
      ...(prefix === '' ? [{ name: 'truth_keys.npy', data: npy('<i4', [n, 2], bytesOf(keys)) }] : []),
    ]
  }
  const { halves } = o
  const parts =
    halves === undefined
      ? arrays(cut.windows)
      : [
          ...arrays(
            cut.windows.filter((_, i) => halves(i)),
            'train_',
          ),
          ...arrays(
            cut.windows.filter((_, i) => !halves(i)),
            'val_',
          ),
        ]
  return scratch(name, storedZip(parts))
}

/** Rotates vectors by a random rotation (product of Householder reflections). */
export function rotated(vectors: Float32Array, dim: number, seed: number): void {
  const normal = normals(seed)
  for (let k = 0; k < dim; k++) {
    const axis = Float64Array.from({ length: dim }, normal)
    const square = axis.reduce((sum, x) => sum + x * x, 0)
    for (let at = 0; at < vectors.length; at += dim) {
      let along = 0
      for (let i = 0; i < dim; i++) along += vectors[at + i]! * axis[i]!
      for (let i = 0; i < dim; i++) vectors[at + i]! -= (2 * along * axis[i]!) / square
    }
  }
}

export const audited = (data: string, against: readonly string[] = []): Promise<Audit> => audit({ data, against })
export const openAudit = async (path: string, o: { context?: number; cross?: boolean } = {}) => {
  const base = await openBase(path)
  return auditBase(base, { context: 5, ...o }).finally(() => base.dispose())
}
const all = (found: Audit) => [...found.findings, ...found.against.flatMap((file) => file.findings)]
/** Level of a check; undefined if it was not run. */
export const levelOf = (found: Audit, code: Check): Level | undefined => all(found).find((f) => f.code === code)?.level
export const findingOf = (found: Audit, code: Check) => all(found).find((f) => f.code === code)!
/** Codes of the findings with a given level. */
export const codesOf = (found: Audit, level: Level): string[] =>
  all(found)
    .filter((f) => f.level === level)
    .map(({ code }) => code)
