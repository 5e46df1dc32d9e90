import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = '/usr/lib/postgresql'
const [version] = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)) : []
const program = (name: string) => join(ROOT, version!, 'bin', name)
const extension = version && existsSync(`/usr/share/postgresql/${version}/extension/vector.control`)

/** Why no server can be started; undefined when one can. */
export const lacking: string | undefined =
  version === undefined || !existsSync(program('initdb'))
    ? 'PostgreSQL is not installed: apt-get install postgresql'
    : extension
      ? undefined
      : `pgvector is not installed: apt-get install postgresql-${version}-pgvector, or build it from its source`

/** A server of PostgreSQL in a temporary folder, run by a user without rights. */
export interface PostgresServer {
  /** Address of its database for its owner. */
  readonly url: string
  readonly port: number
  /** Ends every connection of other clients, as a restart does. */
  stop(): Promise<void>
}

const freePort = () =>
  new Promise<number>((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })

/** PostgreSQL refuses to run as root, so that the tests of a container run it as the user of its package. */
function owner(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lvm-pg-'))
  const user = owner()
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!)
  const data = join(folder, 'data')
  const options = { ...user, cwd: folder, stdio: 'ignore' as const }
  execFileSync(program('initdb'), ['-D', data, '-U', 'lvm', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'], options)
  const port = await freePort()
  const settings = ['fsync=off', `unix_socket_directories=${folder}`, 'listen_addresses=127.0.0.1']
  const server = spawn(program('postgres'), ['-D', data, '-p', String(port), ...settings.flatMap((one) => ['-c', one])], options)
  const ended = new Promise<void>((done) => server.on('exit', () => done()))
  const isReady = () => {
    try {
      execFileSync(program('pg_isready'), ['-h', '127.0.0.1', '-p', String(port)], options)
      return true
    } catch {
      return false
    }
  }
  for (let tries = 0; tries < 100 && !isReady(); tries++) await sleep(100)
  return {
    url: `postgres://lvm@127.0.0.1:${port}/postgres`,
    port,
    stop: async () => {
      server.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
