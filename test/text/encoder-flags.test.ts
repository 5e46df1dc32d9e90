import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { random } from '../../lib/statistics/random.js'
import { runNode } from '../docs/run-node.js'
import { writeTinyEncoder } from './tiny-encoder.js'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const lvmFile = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lvm-encoder-flags-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)
const lvm = (line: string) => runNode([lvmFile, ...line.split(' ')], folder)
/** Runs a command that must succeed. */
const done = async (line: string): Promise<string> => {
  const { status, stdout, stderr } = await lvm(line)
  expect([line, status, status === 0 ? '' : stderr]).toEqual([line, 0, ''])
  return stdout
}
/** Words of random letters, so that no group of sentences looks like another space. */
const words = (seed: number): string[] =>
  Array.from({ length: 7 }, (_, w) =>
    Array.from({ length: 3 + ((seed + w) % 5) }, (_, c) =>
      String.fromCharCode(97 + Math.floor(26 * random(seed, 10 * w + c))),
    ).join(''),
  )
const SPACES = /"?right · mean pooling · L2"?.*"wrong · mean pooling · L2"/
/** Requires that a command is refused by measurement or by hash, with both spaces. */
const mismatch = async (line: string): Promise<string> => {
  const { status, stderr } = await lvm(line)
  expect([line, status]).toEqual([line, 3])
  expect(stderr).toMatch(/^(.*\n)*SPACE_MISMATCH: /)
  expect(stderr).toMatch(SPACES)
  return stderr
}

beforeAll(async () => {
  writeTinyEncoder(at('right'))
  writeTinyEncoder(at('wrong'), { seed: 7 })
  mkdirSync(at('notes'))
  for (let i = 0; i < 12; i++) {
    const said = Array.from({ length: 15 }, (_, j) => `${words(15 * i + j).join(' ')}.`)
    writeFileSync(at(`notes/${i}.txt`), said.join('\n\n'))
  }
  await done('data make notes --encoder right --out base')
  await done('train lstm --data base --encoder right --preset tiny --epochs 1 --name run')
})

describe('--encoder', () => {
  it('a wrong encoder of the same dimension is refused by data audit, train, decode and serve, and a right one is accepted', async () => {
    expect(await done('data audit base --encoder right')).toContain('made by the encoder of "right · mean pooling · L2"')
    await done('decode run --encoder right')
    expect(await mismatch('data audit base --encoder wrong')).toContain('median cosine')
    expect(await mismatch('train lstm --data base --encoder wrong --preset tiny --epochs 1 --name x')).toContain('median cosine')
    await mismatch('decode run --encoder wrong')
    await mismatch('serve run --bank base --encoder wrong --port 0')
    const server = spawn(process.execPath, [lvmFile, ...'serve run --bank base --encoder right --port 0'.split(' ')], {
      cwd: folder,
    })
    const errors: string[] = []
    server.stderr.on('data', (chunk) => errors.push(String(chunk)))
    const [first] = await Promise.race([once(server.stdout, 'data'), once(server, 'close')])
    expect([String(first), errors.join('')]).toEqual([
      expect.stringContaining('http://'),
      expect.not.stringContaining('MISMATCH'),
    ])
    server.kill('SIGTERM')
    await once(server, 'close')
  })
  it('decode measures the vectors themselves where they have sentences, whatever their card says', async () => {
    await done('data make notes --encoder wrong --out other')
    const card = { ...JSON.parse(readFileSync(at('other.card.json'), 'utf8')), space: 'right · mean pooling · L2' }
    delete card.encoder
    writeFileSync(at('other.card.json'), JSON.stringify(card))
    await done('decode other.npy --bank base --limit 1') // the card is believed without an encoder
    const { status, stderr } = await lvm('decode other.npy --bank base --limit 1 --encoder right')
    expect([status, stderr]).toEqual([
      3,
      expect.stringMatching(/SPACE_MISMATCH: .*other\.npy: expected vectors of this encoder.*median cosine/),
    ])
    await done('decode base.npy --bank base --limit 1 --encoder right')
  })
  it('decode compares the encoder with the one in the card of vectors without sentences, and says where nothing can be measured', async () => {
    writeFileSync(at('asked.txt'), 'Of birds.\nOf days.\n')
    await done('encode --input asked.txt --encoder right --out asked.npy')
    expect(await done('decode asked.npy --bank base --encoder right')).toContain('nearest')
    const message = await mismatch('decode asked.npy --bank base --encoder wrong')
    expect(message).toMatch(/asked\.npy: expected the encoder right \(\w{12}\)/)
  })
})
