import type { CommandModule } from 'yargs'
import { ERRORS } from '../../lib/errors.js'
import { type Diagnosis, examine } from '../../lib/libtorch/doctor.js'
import { answer, bytes, table } from '../output.js'

function page(d: Diagnosis): string {
  const { system: os, cpu, limits } = d
  const allowed = [
    ...(limits.cpus === null ? [] : [`${limits.cpus} CPUs`]),
    ...(limits.memory_bytes === null ? [] : [`${bytes(limits.memory_bytes)} of memory`]),
  ]
  const limited = allowed.length === 0 ? 'none' : `${allowed.join(', ')} (cgroup v${limits.cgroup})`
  const facts = [
    ['system', `${os.platform} ${os.release} ${os.arch}${os.libc === null ? '' : `, ${os.libc}`}, Node ${d.node}`],
    ['cpu', `${cpu.model}, ${cpu.cores} cores${cpu.flags.length > 0 ? `, ${cpu.flags.join(' ')}` : ''}`],
    ['memory', bytes(os.memory_bytes)],
    ['limits', limited],
    ['threads', String(d.threads)],
    ...d.disk.map(({ path, free_bytes }) => ['disk', `${bytes(free_bytes)} free for ${path}`]),
    ...Object.entries(d.tools).map(([name, version]) => [name, version ?? 'not found']),
    ['addon', d.addon ?? 'not found'],
    ['kernels', d.kernels ?? 'unknown'],
    ...d.devices.map(({ name, memory_bytes }) => [
      'device',
      `${name}${memory_bytes === null ? '' : ` (${bytes(memory_bytes)})`}`,
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
  const end = d.usable ? 'everything that training needs is there' : 'training cannot start before this is mended'
  return `${facts.map(([name, fact]) => `${name!.padEnd(9)} ${fact}`).join('\n')}\n\n${places}\n\n${problems.join('\n')}${d.problems.length > 0 ? '\n' : ''}${end}`
}

export const doctor: CommandModule = {
  command: 'doctor',
  describe: 'look at this machine, every libtorch on it, and what is wrong',
  builder: (y) => y.example('$0 doctor --json', 'the same for a program'),
  handler: ({ json }) => {
    const diagnosis = examine()
    answer(diagnosis, () => page(diagnosis), json === true)
    if (!diagnosis.usable) process.exitCode = ERRORS.LIBTORCH_MISSING.exit
  },
}
