import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { freePort } from '../train/free-port.js'
import { historyOf, place, vectorFile } from '../train/runs.js'
import { checkKind } from './schemas.js'

const here = dirname(fileURLToPath(import.meta.url))
const training = join(here, '../../deploy/train')
const bin = place('bin')
let data: string

/** Writes a program of the folder that stands first in PATH. */
function program(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/bash\n${text}\n`)
  chmodSync(join(bin, name), 0o755)
}
beforeAll(async () => {
  data = await vectorFile('base')
  mkdirSync(bin, { recursive: true })
  program('lvm-torch', `exec ${process.execPath} ${join(here, '../../dist/bin/lvm.js')} "$@"`)
  // What srun does for one machine: a process for each task, with its variables; the job fails with a task.
  program(
    'srun',
    `while [[ $1 == --* ]]; do shift; done
for ((i = 0; i < SLURM_NTASKS; i++)); do
  SLURM_PROCID=$i SLURM_LOCALID=$i SLURM_STEP_ID=0 SLURM_STEP_NODELIST=localhost "$@" & tasks+=($!)
done
for task in "\${tasks[@]}"; do wait "$task" || failed=$?; done
exit "\${failed:-0}"`,
  )
})

/** Starts a command with these variables and returns its exit code and messages. */
function ran(
  command: string,
  words: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number | null; err: string }> {
  const child: ChildProcess = spawn(command, words, {
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let err = ''
  child.stderr!.on('data', (text) => {
    err += text
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, err })))
}
const QUICK = ['--preset', 'tiny', '--threads', '1', '--rank-timeout', '60']
const stepsOf = (name: string) => historyOf(place(`runs/${name}`)).history.length - 1

describe('deploy/train/kubernetes.yaml', () => {
  const documents = parseAllDocuments(readFileSync(join(training, 'kubernetes.yaml'), 'utf8')).map((each) => each.toJS())
  const [service, job] = documents
  const { spec } = job.spec.template
  const [container] = spec.containers
  const value = (name: string) => container.env.find((variable: { name: string }) => variable.name === name).value

  test('fits the strict schemas of its kinds', () => {
    expect(documents.map(({ kind }) => kind)).toEqual(['Service', 'Job'])
    for (const document of documents) expect(checkKind(document)).toEqual([])
  })
  test('starts as many pods at once as there are ranks, which find rank 0 by its name', () => {
    expect([job.spec.completions, job.spec.parallelism]).toEqual([Number(value('WORLD_SIZE')), Number(value('WORLD_SIZE'))])
    expect(value('MASTER_ADDR')).toBe(`${job.metadata.name}-0.${service.metadata.name}`)
    expect(spec.subdomain).toBe(service.metadata.name)
    expect(service.spec.selector).toEqual({ 'job-name': job.metadata.name })
    expect(service.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true })
    expect(String(service.spec.ports[0].port)).toBe(value('MASTER_PORT'))
  })
  test('its command trains as rank of a pod, and goes on when the pods start again', async () => {
    const pods = async (...words: string[]) => {
      const env = {
        WORLD_SIZE: '2',
        MASTER_ADDR: '127.0.0.1',
        MASTER_PORT: `${await freePort()}`,
        DATA: data,
        RUNS: place('runs'),
      }
      const [shell, ...before] = [...container.command, ...container.args] as string[]
      const start = (index: number) => ran(shell!, [...before, ...QUICK, ...words], { ...env, JOB_COMPLETION_INDEX: `${index}` })
      return Promise.all([start(0), start(1)])
    }
    for (const epochs of [1, 2]) {
      for (const { code, err } of await pods('--epochs', `${epochs}`)) expect(code, err).toBe(0)
      expect(stepsOf('first-run')).toBe(epochs)
    }
  })
})

describe('deploy/train/slurm.sh', () => {
  const script = join(training, 'slurm.sh')
  test('is a script of bash', () => {
    expect(spawnSync('bash', ['-n', script]).status).toBe(0)
  })
  test('trains in the tasks of srun, and a job that is requeued goes on', async () => {
    const words = ['gru', '--data', data, '--out', place('runs'), '--name', 'batch', ...QUICK]
    const job = async (restarts: number, ...more: string[]) => {
      const env = { SLURM_JOB_ID: '7', SLURM_NTASKS: '2', MASTER_PORT: `${await freePort()}`, SLURM_RESTART_COUNT: `${restarts}` }
      return ran(script, [...words, ...more], env)
    }
    const first = await job(0, '--epochs', '1')
    expect(first.code, first.err).toBe(0)
    const again = await job(1, '--epochs', '2')
    expect(again.code, again.err).toBe(0)
    expect(stepsOf('batch')).toBe(2)
    const another = await job(0, '--epochs', '3')
    expect(another.code).not.toBe(0)
    expect(another.err).toContain('RUN_EXISTS')
  })
})
