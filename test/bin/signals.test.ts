import { spawn, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../checkpoint/run.js'

const script = fileURLToPath(new URL('slow-training.mjs', import.meta.url))

/** Sends signals to a slow training, each after a pause, and collects how it ended. */
async function interrupted(lag: number, signals: readonly [ms: number, name: NodeJS.Signals][], words: string[] = []) {
  const child = spawn(process.execPath, [script, String(lag), 'train', 'lstm', '--data', 'my vectors.npz', ...words])
  let out = ''
  let err = ''
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const ended = new Promise<number | null>((done) => child.on('close', (code) => done(code)))
  await new Promise<void>((ready) =>
    child.stdout.on('data', (chunk) => {
      out += chunk
      if (out.includes('ready')) ready()
    }),
  )
  for (const [ms, name] of signals) {
    await sleep(ms)
    child.kill(name)
  }
  return { code: await ended, out, err }
}

describe('Ctrl-C during a training', () => {
  it('Ctrl-C stops a training after its step and prints the checkpoint and the command that resumes', async () => {
    const { code, err } = await interrupted(0, [[50, 'SIGINT']], ['--overwrite', '--epochs', '3'])
    expect(code).toBe(130)
    expect(err).toContain('stopping after this step; press Ctrl-C again to exit immediately')
    expect(err).toContain('the checkpoint is in artifacts/lstm_baseline')
    expect(err).toMatch(/resume with: node \S+slow-training.mjs train lstm --data 'my vectors.npz' --epochs 3 --resume\n/)
  })
  it('a Ctrl-C that npm passes on as well counts as one', async () => {
    const { code, err } = await interrupted(600, [
      [50, 'SIGINT'],
      [20, 'SIGINT'],
    ])
    expect(code).toBe(130)
    expect(err).toContain('the checkpoint is in')
  })
  it('a second Ctrl-C ends a training immediately', async () => {
    const { code, err } = await interrupted(60_000, [
      [50, 'SIGINT'],
      [600, 'SIGINT'],
    ])
    expect(code).toBe(130)
    expect(err).not.toContain('the checkpoint is in')
  })
  it('with --json an interrupted training prints only events on stdout', async () => {
    const { code, out } = await interrupted(0, [[50, 'SIGINT']], ['--json'])
    const events = out
      .split('\n')
      .slice(1, -1)
      .map((line) => JSON.parse(line))
    expect(events.at(-1)).toMatchObject({ type: 'result', stopped: 'interrupted' })
    expect(code).toBe(130)
  })
})

it('a training that SIGTERM stops ends with exit code 143', async () => {
  const { code, err } = await interrupted(0, [[50, 'SIGTERM']])
  expect(code).toBe(143)
  expect(err).toContain('resume with:')
})

it('a closed stdout, as with | head -1, stops a training with a message and exit code 143', async () => {
  const child = spawn(process.execPath, [script, '0', 'train', 'lstm', '--json'])
  let err = ''
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const ended = new Promise((done) => child.on('close', done))
  child.stdout.once('data', () => child.stdout.destroy())
  expect(await ended).toBe(143)
  expect(err).toContain('stopping after this step: stdout was closed by its reader')
  expect(err).toContain('the checkpoint is in')
})

describe('SIGHUP', () => {
  it('a training without a terminal, as under nohup, ignores SIGHUP', async () => {
    const { code, err } = await interrupted(0, [
      [50, 'SIGHUP'],
      [300, 'SIGTERM'],
    ])
    expect(err).toContain('SIGHUP ignored')
    expect(err.indexOf('SIGHUP ignored')).toBeLessThan(err.indexOf('stopping after this step'))
    expect(code).toBe(143)
  })
  it.skipIf(spawnSync('script', ['--version']).status !== 0)(
    'a training whose terminal is closed stops with a checkpoint',
    async () => {
      const command = `${process.execPath} ${script} 0 train lstm --data x 2>&1; echo "exit $?"`
      const child = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'ignore'] })
      let out = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
        const pid = /pid (\d+)/.exec(out)?.[1]
        if (pid !== undefined && !out.includes('stopping')) process.kill(Number(pid), 'SIGHUP')
      })
      await new Promise((done) => child.on('close', done))
      expect(out).toContain('stopping after this step')
      expect(out).toContain('exit 143')
    },
  )
})

describe('a verb without saves', () => {
  it.each([
    ['SIGTERM', 143, 'TERMINATED'],
    ['SIGINT', 130, 'INTERRUPTED'],
  ] as const)(
    'a verb without saves ends immediately on %s with exit code %i and removes its unfinished files',
    async (signal, exit, code) => {
      const folder = await tempFolder()
      const words = ['synth', '--rows', '1000000', '--dim', '256', '--articles', '5000', '--out', join(folder, 'x.npy'), '--json']
      const child = spawn(process.execPath, [fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url)), ...words])
      let out = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
      })
      const ended = new Promise((done) => child.on('close', done))
      await expect.poll(() => readdirSync(folder).length, { timeout: 60_000, interval: 20 }).toBe(3)
      child.kill(signal)
      expect(await ended).toBe(exit)
      expect(readdirSync(folder)).toEqual([])
      expect(JSON.parse(out)).toMatchObject({ type: 'error', code, exit })
    },
  )
})
