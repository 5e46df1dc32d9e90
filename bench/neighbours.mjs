// Measures commands on a quiet machine and beside busy loops, in turns of one run, for several spin counts of idle OpenMP threads:
//   node bench/neighbours.mjs [--loops 3] [--rounds 3] [--spins own,0,100,1000,10000,default] [--models transformer,lstm] [--verbs …]
// `own` sets nothing, so that lvm-torch chooses; `default` is what libgomp does without any setting. The fair share of a process with
// as many threads as processors, beside L loops on C processors, takes (C + L) / C times as long; above 1.20 of that is too slow.
// Verbs take their arguments, with absolute paths: --verbs "evaluate /RUN,arrow --data /F". Needs a machine that nothing else uses.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asked, circumstances, keep, middle, resultsOf } from './turns.mjs'

const { values } = asked(import.meta.url, {
  loops: { type: 'string', default: '3' },
  rounds: { type: 'string', default: '3' },
  spins: { type: 'string', default: 'own,0,100,1000,10000,default' },
  models: { type: 'string', default: 'transformer,lstm' },
  steps: { type: 'string', default: '30' },
  verbs: { type: 'string', default: '' },
  data: { type: 'string', default: fileURLToPath(new URL('../data/sample/factbook.npy', import.meta.url)) },
  out: { type: 'string', default: resultsOf('neighbours') },
})
const [loops, rounds, cores] = [Number(values.loops), Number(values.rounds), availableParallelism()]
const cli = fileURLToPath(new URL('../dist/bin/lvm.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lvm-neighbours-'))
/** Exit code of a verb whose result is a failed check. */
const GATE = 8
const list = (text) => text.split(',').filter(Boolean)

/** Environment with one setting of the spin time; a block time of LLVM's OpenMP keeps lvm-torch from choosing one for libgomp. */
function environment(spin) {
  const { OMP_WAIT_POLICY, GOMP_SPINCOUNT, KMP_BLOCKTIME, ...env } = process.env
  if (spin === 'own') return env
  return spin === 'default' ? { ...env, KMP_BLOCKTIME: '200' } : { ...env, GOMP_SPINCOUNT: spin }
}

/** Runs a command; returns its seconds. */
function timed(words, spin) {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [cli, ...words], {
    env: environment(spin),
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0 && status !== GATE) throw new Error(`${words.join(' ')}: ${stderr}`)
  return (performance.now() - start) / 1000
}

/** Runs `work` while so many processes compute without a pause. */
function beside(count, work) {
  const children = Array.from({ length: count }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
  try {
    return work()
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

const training = (model) => ['train', model, '--data', values.data, '--max-steps', values.steps, '--out', folder, '--overwrite']
const commands = Object.fromEntries([
  ...list(values.models).map((model) => [`train ${model}`, training(model)]),
  ...list(values.verbs).map((name) => [name, name.split(' ')]),
])
const fair = (cores + loops) / cores
const report = { version: 1, ...circumstances('neighbours.mjs'), loops, rounds, fair_share: fair, results: [] }
console.log(
  `${report.cpu}, ${cores} cores, ${loops} loops; fair share ${fair.toFixed(2)} × quiet; load ${report.load_before.toFixed(1)}`,
)
for (const [name, words] of Object.entries(commands)) {
  const times = Object.fromEntries(list(values.spins).map((spin) => [spin, { quiet: [], beside: [] }]))
  timed(words, 'own') // fills the caches
  for (let round = 0; round < rounds; round++)
    for (const spin of round % 2 ? list(values.spins).toReversed() : list(values.spins)) {
      times[spin].quiet.push(timed(words, spin))
      times[spin].beside.push(beside(loops, () => timed(words, spin)))
    }
  for (const [spin, { quiet, beside }] of Object.entries(times)) {
    const row = {
      command: name,
      spin,
      quiet_s: middle(quiet),
      beside_s: middle(beside),
      share: middle(beside) / middle(quiet) / fair,
    }
    report.results.push({ ...row, quiet, beside })
    console.log(
      `${name.padEnd(20)} ${spin.padStart(8)}  quiet ${row.quiet_s.toFixed(2)} s  beside ${row.beside_s.toFixed(2)} s  ${row.share.toFixed(2)} of the fair share`,
    )
  }
}
rmSync(folder, { recursive: true, force: true })
keep('neighbours', values.out, report, [])
