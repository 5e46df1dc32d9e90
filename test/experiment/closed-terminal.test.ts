import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { readJournal } from '../../lib/experiment/journal.js'
import { place, vectorFile } from '../train/runs.js'
import { planFile } from './killed-experiment.js'
import { cli, hasPython, onTerminal, textOf, until } from './terminal.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('terminal')
  mkdirSync(place('work'))
})

it.skipIf(!hasPython)(
  'an experiment goes on when its terminal closes, writes its log, and then runs the command of --notify',
  async () => {
    const plan = planFile(place('work'), 'closed', [
      `data: ${data}`,
      'models: [mlp]',
      'fixed: {preset: tiny, epochs: 1, threads: 1}',
      'search: {lr: [1e-4, 1e-3]}',
      'method: random',
      'budget: {runs: 2}',
      'confirm: {top: 0}',
    ])
    const out = place('closed')
    const facts = place('facts.txt')
    const seen = onTerminal(
      /\[1\/2\]/,
      'experiment',
      plan,
      '--out',
      out,
      '--notify',
      `env | grep ^LVM_ > ${facts}.part; mv ${facts}.part ${facts}`,
    )
    expect(seen).toMatch(/log +.*experiment\.log · the work goes on when this terminal closes/)
    const env = await until(() => textOf(facts))
    expect(readJournal(out)!.entries.filter(({ type }) => type === 'run').length).toBe(2)
    const log = readFileSync(join(out, 'experiment.log'), 'utf8')
    expect(log).toMatch(/SIGHUP ignored: the work goes on/)
    expect(log).toMatch(/\[2\/2\] run 1 · mlp/)
    expect(log).toMatch(/complete: 2 of 2 trainings/)
    expect(env).toMatch(/^LVM_VERB=experiment$/m)
    expect(env).toMatch(/^LVM_EXIT=0$/m)
    expect(env).toMatch(/^LVM_CODE=OK$/m)
    expect(env).toContain(`LVM_FOLDER=${out}`)
    expect(env).toMatch(/^LVM_SUMMARY=complete: 2 of 2 trainings; no winner: nothing was confirmed$/m)
  },
)
const notified = (words: string[], command: string) => {
  const { status, stderr } = spawnSync(process.execPath, [cli, ...words, '--notify', command], {
    cwd: place('work'),
    encoding: 'utf8',
  })
  return { status, stderr }
}
it.skipIf(process.platform === 'win32')(
  'the command of --notify runs after an error, and its own failure is only a warning',
  async () => {
    const bad = join(place('work'), 'bad.yaml')
    writeFileSync(bad, 'modles: 3\n')
    const facts = place('error.txt')
    expect(notified(['experiment', bad], `env | grep ^LVM_ > ${facts}`).status).toBe(2)
    const env = readFileSync(facts, 'utf8')
    expect(env).toMatch(/^LVM_EXIT=2$/m)
    expect(env).toMatch(/^LVM_CODE=BAD_OPTION$/m)
    expect(env).toMatch(/^LVM_SUMMARY=experiment: .*bad\.yaml:1: expected one of the keys/m)
    const failed = notified(['experiment', bad], 'echo out of paper; exit 3')
    expect(failed).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/\nwarning: the command of --notify ended with exit code 3: out of paper/),
    })
  },
)
