import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { pieceOf, writeSafetensors } from '../../lib/files/write-safetensors.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { openWeights } from '../../lib/weights/open-weights.js'

/** Tiny random models with the outputs of transformers; test/long/write_inverter.py writes them. */
export const FIXTURE = join('test', 'text', 'fixtures', 'inverter')

export interface T5Case {
  embeds: number[]
  mask: number[][]
  ids: number[][]
  hidden: number[]
  /** Of the last two ids. */
  logits: number[]
  generation: { options: Record<string, number>; ids: number[][] }[]
}
export interface Said {
  ids: number[][]
  texts: string[]
  cosines: number[]
}
export interface InversionCase {
  texts: string[]
  vectors: number[][]
  tokens: number[][]
  greedy: Said[]
  beam: Said
  one: Said
}
export const goldenOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')) as Record<'relu-tied' | 'gated-untied', T5Case> &
    Record<'mean' | 'st', InversionCase>

const scratch = mkdtempSync(join(tmpdir(), 'lvm-inverter-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
let made = 0

/** Copies a folder of models, so that a test can change it. */
export function copyOf(folder: string): string {
  const path = join(scratch, String(made++))
  cpSync(folder, path, { recursive: true })
  return path
}

export type Change = (tensors: Map<string, Tensor>) => void | Promise<void>

/** Reads the weights of a folder, changes them, and writes them in a format; `shards` splits them by name. */
export async function rewritten(
  folder: string,
  change: Change,
  { format = 'safetensors', shards = false }: { format?: 'safetensors' | 'bin'; shards?: boolean } = {},
): Promise<void> {
  const { tensors: stored } = await openWeights(folder)
  const tensors = new Map<string, Tensor>()
  for (const [name, tensor] of stored) tensors.set(name, await tensor.read())
  await change(tensors)
  rmSync(join(folder, 'model.safetensors'))
  const all = [...tensors]
  const parts = shards ? [all.filter((_, i) => i % 2 === 0), all.filter((_, i) => i % 2 === 1)] : [all]
  const base = format === 'bin' ? 'pytorch_model' : 'model'
  const name = (i: number) => (shards ? `${base}-0000${i + 1}-of-00002.${format}` : `${base}.${format}`)
  for (const [i, part] of parts.entries()) {
    const path = join(folder, name(i))
    if (format === 'bin') await native.savePt(path, Object.fromEntries(part.map(([key, tensor]) => [key, tensor.native])))
    else
      await writeSafetensors(
        path,
        part.map(([key, tensor]) => pieceOf(key, tensor)),
        { format: 'pt' },
      )
  }
  const map = Object.fromEntries(parts.flatMap((part, i) => part.map(([key]) => [key, name(i)])))
  if (shards) writeFileSync(join(folder, `${base}.${format}.index.json`), JSON.stringify({ weight_map: map }))
}

/** Changes the keys of a config.json. */
export function configured(folder: string, changes: Record<string, unknown>): void {
  const path = join(folder, 'config.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }))
}

/** Makes a decoder of `gtr-mean` of one of `gtr-st`: without the dense layer, and with the encoder named as its class names it. */
export async function meanOf(folder: string): Promise<string> {
  const copy = copyOf(folder)
  const hypothesizer = join(copy, 'hypothesizer')
  await rewritten(hypothesizer, (tensors) => {
    tensors.delete('embedder.2.linear.weight')
    for (const [name, tensor] of [...tensors]) {
      if (!name.startsWith('embedder.')) continue
      tensors.delete(name)
      const bare = name.replace('embedder.0.auto_model.', '').replace(/^encoder\./, '')
      tensors.set(`embedder.${bare === 'shared.weight' ? 'embed_tokens.weight' : bare}`, tensor)
    }
  })
  for (const part of ['hypothesizer', 'corrector']) configured(join(copy, part), { embedder_model_name: 'gtr_base' })
  return copy
}

export const folderOf = (parent: string, name: string): string => {
  const path = join(parent, name)
  mkdirSync(path, { recursive: true })
  return path
}
export const integers = (rows: readonly (readonly number[])[]): Tensor =>
  Tensor.from(BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length])
export const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0)
