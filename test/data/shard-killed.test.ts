import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bytesOf, npy, scratch } from '../files/fixture.js'

const [ROWS, DIM] = [40_000, 256] // 40 MB
const shard = () => ['dist/bin/lvm.js', 'data', 'shard', scratch('whole.npy'), '--out', scratch('to'), '--rows-per-shard', '999']
const unfinished = () => readdirSync(scratch('')).filter((name) => name.startsWith('.tmp-'))

test('a folder of shards that is killed while it is written has no name, and the next call removes it', async () => {
  writeFileSync(scratch('whole.npy'), npy('<f4', [ROWS, DIM], bytesOf(new Float32Array(ROWS * DIM).fill(0.0625))))
  const killed = spawn(process.execPath, shard(), { stdio: 'ignore' })
  const ended = new Promise((done) => killed.on('exit', (_, signal) => done(signal)))
  const begun = setInterval(() => unfinished().length > 0 && killed.kill('SIGKILL'), 1)
  expect(await ended).toBe('SIGKILL')
  clearInterval(begun)
  expect(existsSync(scratch('to'))).toBe(false)
  expect(unfinished()).toHaveLength(1)
  const { status, stdout } = spawnSync(process.execPath, shard(), { encoding: 'utf8' })
  expect([status, stdout]).toEqual([0, expect.stringContaining('40,000 vectors × 256 in 41 shards')])
  expect(unfinished()).toEqual([])
}, 60_000)
