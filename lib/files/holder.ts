import { execFile } from 'node:child_process'
import { fstatSync, readdirSync, statSync } from 'node:fs'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

/** Who writes a run. What the system does not tell is null. */
export interface Holder {
  readonly pid: number
  readonly host: string
  /** When the lock was taken, ISO 8601. */
  readonly started: string
  readonly boot_id: string | null
  /** Where the pid counts: a container has its own. */
  readonly pid_namespace: string | null
  /** When the process started, as the system says it: a pid alone is used again and again. */
  readonly process_start: string | null
}

const orNull = (text: Promise<string>) =>
  text.then(
    (found) => found.trim(),
    () => null,
  )

/** The start of a process where there is no /proc: undefined for one that has ended and was not waited for. */
async function startByProgram(pid: number): Promise<string | null | undefined> {
  const [program, args]: [string, string[]] =
    process.platform === 'win32'
      ? ['powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`]]
      : ['ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)]]
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const said = await orNull(promisify(execFile)(program, args, { env, timeout: 20_000 }).then(({ stdout }) => stdout))
  if (said === null || said === '' || process.platform === 'win32') return said || null
  return said.startsWith('Z') ? undefined : said.slice(said.indexOf(' ')).trim()
}

/** The start of a process, null where the system does not tell, undefined when there is no such process. */
async function processStart(pid: number): Promise<string | null | undefined> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  if (process.platform !== 'linux') return startByProgram(pid)
  const line = await orNull(readFile(`/proc/${pid}/stat`, 'utf8'))
  if (line === null) return null
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ') // the name in parentheses may hold anything
  return 'ZX'.includes(fields[0]!) ? undefined : (fields[19] ?? null)
}

/** Whether this process has a file open, in any of its threads. */
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
    return true // what cannot be asked is taken to be held
  }
}

/** This process. */
export const thisProcess = async (): Promise<Holder> => ({
  pid: process.pid,
  host: hostname(),
  started: new Date().toISOString(),
  boot_id: await orNull(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
  pid_namespace: await orNull(readlink('/proc/self/ns/pid')),
  process_start: (await processStart(process.pid)) ?? null,
})

/** Whether the pid of a holder means something here. */
export const local = (holder: Holder, me: Holder) =>
  holder.host === me.host && (holder.pid_namespace ?? me.pid_namespace) === me.pid_namespace

/** Whether a holder still runs; one that cannot be asked from here is taken to. */
export async function alive(holder: Holder, me: Holder): Promise<boolean> {
  if (holder.host === me.host && holder.boot_id !== undefined && holder.boot_id !== me.boot_id) return false
  if (!local(holder, me)) return true
  const start = await processStart(holder.pid)
  return start !== undefined && (start === null || (holder.process_start ?? null) === null || start === holder.process_start)
}

/** A holder as it was written; undefined for any other text. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    return Number.isSafeInteger(holder.pid) && holder.pid > 0 && typeof holder.host === 'string' ? holder : undefined
  } catch {
    return undefined
  }
}
