import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Pool } from 'undici'
import { badOption } from '../errors.js'
import type { Connection } from './connection.js'
import { get } from './server-contact.js'

/** Processor time since the start of a server, and its memory, child processes included. */
export interface Use {
  readonly cpu_seconds: number
  readonly memory_bytes: number
}

interface Listed extends Use {
  readonly pid: number
  readonly parent: number
}

/** Clock ticks per second in /proc; 100 on every Linux that Node supports. */
const TICKS = 100
const PAGE = 4096

/** Reads one process from /proc; undefined when it has ended. */
async function listed(pid: string): Promise<Listed | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  if (!fields) return undefined
  const [parent, user, system, pages] = [1, 11, 12, 21].map((i) => Number(fields[i])) as [number, number, number, number]
  return { pid: Number(pid), parent, cpu_seconds: (user + system) / TICKS, memory_bytes: pages * PAGE }
}

/** Seconds of a time that ps prints: [days-]hours:minutes:seconds. */
function psSeconds(time: string): number {
  const [clock, days = '0'] = time.split('-').toReversed() as [string, string?]
  return clock.split(':').reduce((sum, part) => 60 * sum + Number(part), 0) + 86_400 * Number(days)
}

async function fromPs(): Promise<Listed[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,rss=,time='])
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, kilobytes, time] = line.trim().split(/\s+/)
    if (time === undefined) return []
    return [{ pid: Number(pid), parent: Number(parent), cpu_seconds: psSeconds(time), memory_bytes: 1024 * Number(kilobytes) }]
  })
}

/** Adds up a process and its descendants. Errors: BAD_OPTION if there is no such process. */
export async function useOfProcess(pid: number): Promise<Use> {
  const isLinux = process.platform === 'linux'
  const pids = isLinux ? (await readdir('/proc')).filter((name) => /^\d+$/.test(name)) : []
  const all = isLinux ? (await Promise.all(pids.map(listed))).filter((one) => one !== undefined) : await fromPs()
  const family = all.filter((one) => one.pid === pid)
  if (family.length === 0) throw badOption('loadtest', 'pid', 'a process that runs on this machine', pid)
  for (const one of family) family.push(...all.filter(({ parent }) => parent === one.pid)) // grows while it is read
  const sum = (of: (one: Listed) => number) => family.reduce((total, one) => total + of(one), 0)
  return { cpu_seconds: sum((one) => one.cpu_seconds), memory_bytes: sum((one) => one.memory_bytes) }
}

/** Sum of the samples of metrics whose name matches. Source: the text format of Prometheus. */
function sumOf(text: string, name: RegExp): number | undefined {
  const samples = text.split('\n').filter((line) => name.test(line))
  return samples.length === 0 ? undefined : samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** Reads /metrics of a server; null if it does not tell its processor time and memory. */
export async function useOfServer(pool: Pool, connection: Connection): Promise<Use | null> {
  try {
    const answer = await get(pool, connection, '/metrics')
    const text = answer.body.toString()
    const cpu = sumOf(text, /^(lvm_)?(process|inference)_cpu_seconds(_total)?[ {]/)
    const memory = sumOf(text, /^(process_resident|lvm_process|lvm_inference)_memory_bytes[ {]/)
    return answer.status === 200 && cpu !== undefined && memory !== undefined ? { cpu_seconds: cpu, memory_bytes: memory } : null
  } catch {
    return null
  }
}
