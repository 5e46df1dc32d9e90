import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll } from 'vitest'
import type { History, RunManifest } from '../../lib/checkpoint/run-manifest.js'
import { isTensorEntry, openPt } from '../../lib/files/pt.js'
import { type TrainEvent, type TrainOptions, train } from '../../lib/index.js'
import { readTensor } from '../../lib/torch/read-tensor.js'
import { bytesOf, npy } from '../files/fixture.js'
import { gaussian } from '../statistics/clustered.js'

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lvm-train-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A path in a temporary folder, which is removed after the test file. */
export const place = (name: string): string => join(folder, name)

/**
 * Writes articles of vectors that vary around a topic, as .npy with a .jsonl side file; `change` may modify them.
 *
 * With `noise` every vector has a random direction: the validation loss rises every epoch, because nothing can be learned.
 */
export async function vectorFile(
  name: string,
  o: {
    articles?: number
    /** Vectors of every article, or of each in turn. */
    length?: number | readonly number[]
    dim?: number
    seed?: number
    noise?: boolean
    text?: (row: number) => string
    change?: (v: Float32Array) => void
  } = {},
): Promise<string> {
  const { articles = 12, length = 24, dim = 16, seed = 1, noise = false, change, text } = o
  const gauss = gaussian(seed)
  const lengths = Array.from({ length: articles }, (_, i) => (typeof length === 'number' ? length : length[i % length.length]!))
  const rows = lengths.reduce((a, b) => a + b, 0)
  const vectors = new Float32Array(rows * dim)
  const lines: string[] = []
  for (let article = 0; article < articles; article++) {
    const topic = Array.from({ length: dim }, gauss)
    for (let index = 0; index < lengths[article]!; index++) {
      const row = lines.length * dim
      const before = (d: number) => (index > 0 ? vectors[row - dim + d]! : 0)
      const v = topic.map((t, d) => (noise ? 0 : 0.2 * t + before(d)) + 0.3 * gauss())
      const norm = Math.hypot(...v)
      vectors.set(
        v.map((x) => x / norm),
        row,
      )
      lines.push(JSON.stringify({ article_id: `${name}-${article}`, index, ...(text && { text: text(lines.length) }) }))
    }
  }
  change?.(vectors)
  await writeFile(place(`${name}.jsonl`), `${lines.join('\n')}\n`)
  await writeFile(place(`${name}.npy`), npy('<f4', [rows, dim], bytesOf(vectors)))
  return place(`${name}.npy`)
}

/** config.json of an LSTM on 16 dimensions trained without options, except data and machine: the table of the specification. */
export const SPECIFIED_CONFIG = {
  version: 1,
  model: 'lstm',
  title: 'LSTM Baseline',
  vector_dim: 16,
  parameters: 3_194_896,
  trainable_parameters: 3_194_896,
  model_options: {
    width: 512,
    layers: 2,
    dropout: 0.2,
    head: 'linear',
    output: 'raw',
    residual: 'none',
    input: 'none',
    memories: null,
    input_scale: 'none',
  },
  space: null,
  normalize: false,
  split: 'articles',
  val: null,
  test: 0,
  fold: null,
  split_seed: null,
  max_windows: null,
  context_length: 5,
  batch_size: 32,
  epochs: 20,
  max_steps: null,
  learning_rate: 0.0005,
  optimizer: 'AdamW',
  weight_decay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  lr_schedule: 'ReduceLROnPlateau',
  plateau_factor: 0.5,
  plateau_patience: 3,
  warmup: 0.05,
  gradient_clip: 1,
  objective: 'last',
  loss: 'mse',
  contrastive_weight: 0.9,
  negatives: 4096,
  select: null,
  val_retrieval: false,
  vectors: null,
  articles: null,
  accumulate: 1,
  ema: 0,
  history: null,
  min_history: 5,
  batch_vectors: 4096,
  shuffle_buffer: null,
  ema_rule: null,
  keep_zeros: false,
  freeze: null,
  lr_scale: null,
  early_stop: null,
  precision: 'fp32',
  weights: 'fp32',
  recompute: 'auto',
  train_eval: '4096',
  force: false,
  recipe: 'prd',
  preset: 'target',
  init: null,
  save_every: null,
  log_every: 10,
  keep_best: 0,
  keep_last: 0,
  seed: 0,
} as const

/** Options of a small model, whose steps take about a millisecond. */
export const TINY = { preset: 'tiny', batchSize: 16, epochs: 2, out: place('runs'), threads: 1 } as const

/** When to stop a training: at the first matching event, or after a number of milliseconds. */
export type Stop = ((event: TrainEvent) => boolean) | number
/** Stops at the n-th event of a type. */
export function nth(type: TrainEvent['type'], n: number): Stop {
  let seen = 0
  return (event) => event.type === type && ++seen === n
}

/** Trains to the end or until stopped; returns the events. */
export async function trained(options: TrainOptions, stop?: Stop): Promise<TrainEvent[]> {
  const controller = new AbortController()
  const events: TrainEvent[] = []
  if (typeof stop === 'number') sleep(stop).then(() => controller.abort())
  for await (const event of train(options, { signal: controller.signal })) {
    events.push(event)
    if (typeof stop === 'function' && stop(event)) controller.abort()
  }
  return events
}

export const resultOf = (events: readonly TrainEvent[]) => events.find((event) => event.type === 'result')!

export const json = <T>(...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T
export const historyOf = (run: string): History => json<History>(run, 'training_history.json')
export const manifestOf = (run: string): RunManifest => json<RunManifest>(run, 'manifest.json')

/** A history without measured values. */
export const comparable = ({ history, ...rest }: History) => ({
  ...rest,
  history: history.map(({ seconds, cpu_share, samples_per_second, targets_per_second, peak_memory_bytes, ...row }) => row),
})

/** Every tensor and number in a .pt file by path, as hexadecimal bytes, without `args` and the keys in `leave`. */
export async function contentOf(path: string): Promise<Map<string, string>> {
  const file = await openPt(path)
  const found = new Map<string, string>()
  const walk = async (value: unknown, at: string): Promise<void> => {
    if (isTensorEntry(value)) {
      using tensor = await readTensor(file, value)
      found.set(at, `${tensor.shape.join('x')} ${Buffer.from(bytesOf(await tensor.data())).toString('hex')}`)
    } else if (value instanceof Map) {
      for (const [key, entry] of value) if (key !== 'args') await walk(entry, `${at}/${key}`)
    } else found.set(at, JSON.stringify(value))
  }
  await walk(file.value, '')
  return found
}
