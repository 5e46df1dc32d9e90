import type { CommandModule } from 'yargs'
import { badOption, ERRORS } from '../../lib/errors.js'
import { doctorFields } from '../../lib/evaluate/evaluate-fields.js'
import { type Diagnosis, examine } from '../../lib/libtorch/doctor.js'
import { threadsOfEnvironment } from '../../lib/libtorch/machine.js'
import { bytes, oneLine, table } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer, note } from '../output.js'

function page(d: Diagnosis): string {
  const { system: os, cpu, limits } = d
  const allowed = [
    ...(cpu.usable < cpu.cores ? [`${cpu.usable} of ${cpu.cores} cores (affinity mask)`] : []),
    ...(limits.cpus === null ? [] : [`${limits.cpus} CPUs (cgroup v${limits.cgroup})`]),
    ...(limits.memory_bytes === null ? [] : [`${bytes(limits.memory_bytes)} of memory (cgroup v${limits.cgroup})`]),
  ]
  const limited = allowed.length === 0 ? 'none' : allowed.join(', ')
  const facts = [
    ['system', `${os.platform} ${os.release} ${os.arch}${os.libc === null ? '' : `, ${os.libc}`}, Node ${d.node}`],
    ['cpu', `${cpu.model}, ${cpu.cores} cores${cpu.flags.length > 0 ? `, ${cpu.flags.join(' ')}` : ''}`],
    ['memory', bytes(os.memory_bytes)],
    ['limits', limited],
    ['threads', `${d.threads}${threadsOfEnvironment() === undefined ? '' : ' (OMP_NUM_THREADS)'}`],
    ['idle', d.idle_threads === null ? 'unknown' : `idle threads sleep or spin by ${d.idle_threads}`],
    ...d.disk.map(({ path, free_bytes }) => ['disk', `${bytes(free_bytes)} free for ${path}`]),
    ...Object.entries(d.tools).map(([name, version]) => [name, version ?? 'not found']),
    ['addon', d.addon ?? 'not found'],
    ['kernels', d.kernels ?? 'unknown'],
    ...d.devices.map(({ name, memory_bytes, note }) => [
      'device',
      `${name}${memory_bytes === null ? '' : ` (${bytes(memory_bytes)})`}${note === null ? '' : `: ${note}`}`,
    ]),
  ]
  const places = table(d.libtorch, {
    libtorch: (c) => c.source,
    used: (c) => (c.used ? 'yes' : ''),
    version: (c) => c.version,
    path: (c) => c.path,
    verdict: (c) => c.verdict.split('\n')[0],
  })
  const problems = d.problems.map(({ what, fix, fatal }) => `${fatal ? 'wrong' : 'note'}: ${what}\nfix: ${fix}\n`)
  const end = d.usable ? 'everything that training needs is present' : 'training cannot start before this is fixed'
  return `${facts.map(([name, fact]) => `${name!.padEnd(9)} ${oneLine(fact!)}`).join('\n')}\n\n${places}\n\n${problems.join('\n')}${d.problems.length > 0 ? '\n' : ''}${end}`
}

/** Diagnoses runs and prints the findings. */
async function diagnoseRuns(runs: readonly string[], argv: Record<string, unknown>, json: boolean): Promise<void> {
  const { diagnose } = await import('../../lib/study/diagnose/diagnose-runs.js')
  const { renderDiagnosis } = await import('../../lib/study/diagnose/diagnosis-page.js')
  const results = await diagnose({ runs, ...given(doctorFields, argv) }, note)
  answer(results, () => results.runs.map(renderDiagnosis).join('\n\n\n'), json)
  if (results.runs.some(({ verdict }) => verdict === 'FAIL')) process.exitCode = ERRORS.GATE_FAILED.exit
}

export const doctor: CommandModule = {
  command: 'doctor [run..]',
  describe: 'diagnose runs; without a run, diagnose this machine and every libtorch on it',
  builder: (y) =>
    y
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', {
        type: 'string',
        array: true,
        describe: 'folders of runs, or their names below artifacts/lvm/models; files of predictions as NAME=FILE.npy',
      })
      .options(flags(doctorFields))
      .example('$0 doctor', 'this machine')
      .example('$0 doctor lstm_baseline', 'a run on its saved validation rows; exit code 8 if a check fails'),
  handler: async (argv) => {
    const runs = ((argv.run ?? []) as unknown[]).map(String)
    if (runs.length > 0) return diagnoseRuns(runs, argv, argv.json === true)
    const [key] = Object.keys(given(doctorFields, argv))
    if (key !== undefined)
      throw badOption('doctor', key, 'nothing, because no run is named,', argv[key], 'run: lvm-torch doctor RUN')
    const diagnosis = await examine()
    answer(diagnosis, () => page(diagnosis), argv.json === true)
    if (!diagnosis.usable) process.exitCode = ERRORS.LIBTORCH_MISSING.exit
  },
}
