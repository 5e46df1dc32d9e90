import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findLibtorch } from '../../lib/libtorch/find.js'

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))

/** Runs verbs in a folder and collects samples by their headings in docs/formats.md. */
export function collector(folder: string) {
  const found = new Map<string, unknown[]>()
  const keep = (name: string, ...values: unknown[]) => found.set(name, [...(found.get(name) ?? []), ...values])
  const cache = join(folder, 'cache')
  const { LVM_TORCH_USE_PYTORCH: _, ...outside } = process.env
  const env = { ...outside, LVM_TORCH_LIBTORCH: findLibtorch().path, LVM_TORCH_CACHE: cache }
  async function lvm(words: string, more: Record<string, string> = {}): Promise<string> {
    const child = spawn(process.execPath, [cli, ...words.split(' '), '--json'], { cwd: folder, env: { ...env, ...more } })
    const [out, error] = [[] as Buffer[], [] as Buffer[]]
    child.stdout.on('data', (chunk) => out.push(chunk))
    child.stderr.on('data', (chunk) => error.push(chunk))
    const [code, signal] = await once(child, 'close')
    if (out.length === 0) throw new Error(`${words}: ended with ${signal ?? code}: ${Buffer.concat(error)}`)
    return Buffer.concat(out).toString()
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
  return { folder, cache, found, keep, lvm, answer, events, read, run }
}

export type Collector = ReturnType<typeof collector>
