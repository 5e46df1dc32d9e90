import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findLibtorch } from '../../lib/libtorch/find.js'
import { verbProcess } from './verb-process.js'

/** Runs verbs in a folder and collects samples by their headings in docs/formats.md. */
export function collector(folder: string) {
  const found = new Map<string, unknown[]>()
  const keep = (name: string, ...values: unknown[]) => found.set(name, [...(found.get(name) ?? []), ...values])
  const cache = join(folder, 'cache')
  const { LVM_TORCH_USE_PYTORCH: _, ...outside } = process.env
  const env = { ...outside, LVM_TORCH_LIBTORCH: findLibtorch().path, LVM_TORCH_CACHE: cache }
  const { alone, among, end } = verbProcess(folder, env)
  async function lvm(line: string, more?: Record<string, string>): Promise<string> {
    const words = [...line.split(' '), '--json']
    return more !== undefined || words.includes('--profile') ? alone(words, more ?? {}) : among(words)
  }
  const answer = async (name: string, words: string, more?: Record<string, string>) =>
    keep(name, JSON.parse(await lvm(words, more)))
  const events = async (words: string, more?: Record<string, string>): Promise<{ type: string }[]> =>
    (await lvm(words, more))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  const read = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'))
  const run = (name: string, file: string) => join('artifacts', 'lvm', 'models', name, file)
  return { folder, cache, found, keep, lvm, answer, events, read, run, end }
}

export type Collector = ReturnType<typeof collector>
