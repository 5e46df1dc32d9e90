import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { bytesOf, fixture, npy, safetensors } from '../files/fixture.js'

/** Number of mutated files; LVM_MUTATIONS replaces it. */
const MUTATIONS = Number(process.env.LVM_MUTATIONS ?? 20_000)
/** Files per process: starting one process per file would dominate the time. */
const PER_PROCESS = 1000
/** A process without output for this time counts as hanging. Units: ms */
const SILENCE = 300_000
const MEMORY = 1.5e9

const FIXTURES =
  `arrays.pt base-object.npz base-uuid.npz beside.npz big-endian.npz checkpoint.pt evil-legacy.pt evil.npz evil.pt fortran.npz half.npy
  kinds.pt lazy.pt legacy.pt module.pt record.npy script.pt sequences-keys.npz sequences-metadata.npz train-val.npz trainer-arrays.pt
  trainer-lightning.pt trainer-module.pt views-legacy.pt views.pt zip64.npz`.split(/\s+/)

/** Valid files of every format, with side files of both kinds and cards. */
function seeds(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lvm-mutated-'))
  for (const name of FIXTURES) copyFileSync(fixture(name), join(folder, name))
  const rows = Array.from({ length: 12 }, (_, i) => [Math.cos(i), Math.sin(i)]).flat()
  const vectors = bytesOf(Float32Array.from(rows))
  const line = (_: unknown, i: number) =>
    `${JSON.stringify({ article_id: i < 6 ? 'a' : `b${i >> 3}`, index: i, title: 'T', text: `text – ${i}`, categories: ['x', 'y'], score: 0.5 })}\n`
  const lines = Array.from({ length: 12 }, line).join('')
  const card = JSON.stringify({ space: 'x', source: 'y', licence: 'z', encoder: 'e' })
  for (const stem of ['plain', 'packed']) {
    writeFileSync(join(folder, `${stem}.npy`), npy('<f4', [12, 2], vectors))
    writeFileSync(join(folder, `${stem}.card.json`), card)
  }
  writeFileSync(join(folder, 'plain.jsonl'), lines)
  writeFileSync(join(folder, 'packed.jsonl.gz'), gzipSync(lines))
  const ids = bytesOf(BigInt64Array.from({ length: 12 }, (_, i) => BigInt(i >> 2)))
  const header = {
    __metadata__: { space: 'x' },
    vectors: { dtype: 'F32', shape: [12, 2], data_offsets: [0, 96] },
    article_ids: { dtype: 'I64', shape: [12], data_offsets: [96, 192] },
    more: { dtype: 'F8_E4M3', shape: [4], data_offsets: [192, 196] },
  }
  writeFileSync(join(folder, 'a.safetensors'), safetensors(header, Buffer.concat([vectors, ids, Buffer.alloc(4)])))
  return folder
}

interface Said {
  readonly next?: number
  readonly number?: number
  readonly file?: string
  readonly wrong?: string
  readonly done?: boolean
  readonly peak?: number
}
/** Opens mutated files in a child process; a crash or a hang is a result, too. */
function opened(folder: string, first: number, count: number): Promise<string[]> {
  const script = fileURLToPath(new URL('mutate.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, folder, String(first), String(count)])
  const problems: string[] = []
  let [rest, errors, last, done] = ['', '', first, false]
  let timer = setTimeout(() => {}, 0)
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(() => child.kill('SIGKILL'), SILENCE)
  }
  const hear = ({ next, number, file, wrong, done: ended, peak }: Said) => {
    last = next ?? last
    if (wrong !== undefined) problems.push(`${number} (${file}): ${wrong}`)
    if (ended !== true) return
    done = true
    if (peak! > MEMORY) problems.push(`${first} to ${first + count}: ${peak} bytes of memory`)
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    wait()
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    for (const part of parts) hear(JSON.parse(part) as Said)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000)
  })
  wait()
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (!done) problems.push(`${last}: the process ended with ${signal ?? code}: ${errors}`)
      resolve(problems)
    })
  })
}

it(`${MUTATIONS} mutated files of every format end in a result or an error with a code`, async () => {
  const folder = seeds()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const problems: string[] = []
  for (let first = 0; first < MUTATIONS; first += PER_PROCESS)
    problems.push(...(await opened(folder, first, Math.min(PER_PROCESS, MUTATIONS - first))))
  expect(problems).toEqual([])
})
