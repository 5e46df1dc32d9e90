import { execFile } from 'node:child_process'
import { fstatSync, readdirSync, statSync } from 'node:fs'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

/** The process that holds a lock; facts that the system does not provide are null. */
export interface Holder {
  readonly pid: number
  readonly host: string
  /** Time when the lock was taken, ISO 8601. */
  readonly started: string
  readonly boot_id: string | null
  /** Namespace of the pid: each container has its own. */
  readonly pid_namespace: string | null
  /** Start time of the process in the system's format, because pids are reused. */
  readonly process_start: string | null
}

const orNull = (text: Promise<string>) =>
  text.then(
    (found) => found.trim(),
    () => null,
  )

/** Start time of a process on systems without /proc; undefined for a zombie process. */
async function startFromCommand(pid: number): Promise<string | null | undefined> {
  const [program, args]: [string, string[]] =
    process.platform === 'win32'
      ? ['powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`]]
      : ['ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)]]
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const output = await orNull(promisify(execFile)(program, args, { env, timeout: 20_000 }).then(({ stdout }) => stdout))
  if (output === null || output === '' || process.platform === 'win32') return output || null
  return output.startsWith('Z') ? undefined : output.slice(output.indexOf(' ')).trim()
}

/** Start time of a process; null when the system does not provide it, undefined when there is no such process. */
async function processStart(pid: number): Promise<string | null | undefined> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  if (process.platform !== 'linux') return startFromCommand(pid)
  const line = await orNull(readFile(`/proc/${pid}/stat`, 'utf8'))
  if (line === null) return null
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ') // the name in parentheses may contain spaces and parentheses
  return 'ZX'.includes(fields[0]!) ? undefined : (fields[19] ?? null)
}

/** Whether any thread of this process has a file open. */
export function isOpenHere(path: string): boolean {
  try {
    const { dev, ino } = statSync(path)
    const files = process.platform === 'win32' ? Array.from({ length: 2048 }, (_, i) => i) : readdirSync('/dev/fd').map(Number)
    return files.some((file) => {
      try {
        const found = fstatSync(file)
        return found.dev === dev && found.ino === ino
      } catch {
        return false
      }
    })
  } catch {
    return true // when the check fails, assume that the file is open
  }
}

/** Describes this process as a holder. */
export const thisProcess = async (): Promise<Holder> => ({
  pid: process.pid,
  host: hostname(),
  started: new Date().toISOString(),
  boot_id: await orNull(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
  pid_namespace: await orNull(readlink('/proc/self/ns/pid')),
  process_start: (await processStart(process.pid)) ?? null,
})

/** Whether a holder runs on this machine and in this pid namespace, so that its pid can be checked. */
export const local = (holder: Holder, me: Holder) =>
  holder.host === me.host && (holder.pid_namespace ?? me.pid_namespace) === me.pid_namespace

/** Whether a holder still runs; one on another machine counts as running. */
export async function alive(holder: Holder, me: Holder): Promise<boolean> {
  if (holder.host === me.host && holder.boot_id !== undefined && holder.boot_id !== me.boot_id) return false
  if (!local(holder, me)) return true
  const start = await processStart(holder.pid)
  return start !== undefined && (start === null || (holder.process_start ?? null) === null || start === holder.process_start)
}

/** Parses the text of a lock file; undefined for any other text. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    return Number.isSafeInteger(holder.pid) && holder.pid > 0 && typeof holder.host === 'string' ? holder : undefined
  } catch {
    return undefined
  }
}
