import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string
  readonly text: string
}

/** Instructions of a Dockerfile, by stage; those before the first FROM are in stage 0. */
export function stagesOf(dockerfile: string): Instruction[][] {
  const lines = dockerfile
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  const stages: Instruction[][] = [[]]
  for (const line of lines) {
    const [, name, text] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === undefined) continue
    if (name === 'FROM') stages.push([])
    stages.at(-1)!.push({ name, text: text! })
  }
  return stages
}

/** Programs of the base image that the steps use. */
const PROGRAMS = ['sh', 'dirname', 'readlink', 'mkdir', 'tar', 'gzip', 'sha256sum', 'env']

/** Copies a program and the libraries that it loads. */
function install(root: string, program: string, target = program): void {
  const copy = (path: string, to = path) => {
    mkdirSync(join(root, dirname(to)), { recursive: true })
    cpSync(realpathSync(path), join(root, to))
  }
  copy(program, target)
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' })
  for (const [path] of stdout.matchAll(/\/\S+/g)) if (!existsSync(join(root, path))) copy(path)
}

/** Stands in for the base image: an empty root with this Node, a shell and a few programs, and the glibc of this machine. */
export function baseImage(root: string): string {
  for (const folder of ['tmp', 'dev', 'proc', 'run/secrets', 'usr/bin']) mkdirSync(join(root, folder), { recursive: true })
  execFileSync('chmod', ['1777', join(root, 'tmp')])
  install(root, process.execPath, '/usr/local/bin/node')
  for (const name of PROGRAMS) {
    const path = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
    install(root, path, `/bin/${name}`)
  }
  cpSync(join(root, 'bin/env'), join(root, 'usr/bin/env'))
  // The remaining parts of glibc, which come in one package with libc.so.6.
  const folder = dirname(/(\/\S+)\/libc\.so\.6/.exec(spawnSync('ldd', [process.execPath], { encoding: 'utf8' }).stdout)![0])
  for (const name of ['librt.so.1', 'libutil.so.1', 'libdl.so.2', 'libpthread.so.0']) {
    if (existsSync(join(folder, name))) cpSync(realpathSync(join(folder, name)), join(root, folder, name))
  }
  for (const file of [...DEVICES, '/run/secrets/api-keys']) writeFileSync(join(root, file), '')
  return root
}

/** Devices that every container has, of those that Node or libtorch opens. */
const DEVICES = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom']
const word = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
const mountDevices = (root: string) => DEVICES.map((device) => `mount --bind ${device} ${word(join(root, device))}`).join(' && ')
const PATH = '/usr/local/bin:/usr/bin:/bin'

/** Runs a shell command in a root as `RUN` does: as root, without a network. */
export function runStep(root: string, command: string, args: Readonly<Record<string, string>>): string {
  const variables = Object.entries({ PATH, HOME: '/root', ...args }).map(([key, value]) => `${key}=${value}`)
  const prepare = `${mountDevices(root)} && mount -t proc proc ${word(join(root, 'proc'))}`
  const inside = ['chroot', root, '/bin/env', '-i', ...variables, '/bin/sh', '-c', command].map(word).join(' ')
  return execFileSync('unshare', ['-mnpf', 'sh', '-c', `${prepare} && exec ${inside}`], { encoding: 'utf8', stdio: 'pipe' })
}

/** What the last stage says about its container. */
export interface Container {
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly workdir: string
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
}

export function containerOf(stage: readonly Instruction[]): Container {
  const last = (name: string) => stage.findLast((one) => one.name === name)!.text
  const env = Object.fromEntries(
    last('ENV')
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]),
  )
  const healthcheck = JSON.parse(/CMD (\[.*\])$/.exec(last('HEALTHCHECK'))![1]!)
  const command = [...JSON.parse(last('ENTRYPOINT')), ...JSON.parse(last('CMD'))]
  return { env: { PATH, ...env }, user: last('USER'), workdir: last('WORKDIR'), command, healthcheck }
}

/** Starts the container: read-only root, tmpfs at /tmp, no network but loopback, not root, node as process 1. */
export function startContainer(root: string, { env, user, workdir, command }: Container, keys: string) {
  const at = (path: string) => word(join(root, path))
  const prepare = [
    `mount --bind ${word(root)} ${word(root)}`,
    `mount -o remount,ro,bind ${word(root)}`,
    `mount -t proc proc ${at('proc')}`,
    `mount -t tmpfs -o mode=1777,size=64m tmpfs ${at('tmp')}`,
    mountDevices(root),
    `mount --bind ${word(keys)} ${at('run/secrets/api-keys')}`,
    'ip link set lo up',
  ].join(' && ')
  const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`)
  const start = ['/bin/sh', '-c', `cd ${workdir} && exec "$0" "$@"`, ...command]
  const inside = ['chroot', `--userspec=${user}`, root, '/bin/env', '-i', ...variables, ...start].map(word).join(' ')
  return spawn('unshare', ['-mnpf', '--kill-child', 'sh', '-c', `${prepare} && exec ${inside}`], { stdio: 'pipe' })
}

/** Process 1 of a container, as this machine numbers it. */
export const firstProcess = (unshare: number): number =>
  Number(readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').trim().split(' ')[0])

/** Runs a command inside a running container, as its user. */
export function inContainer(pid: number, user: string, command: readonly string[]) {
  const [uid, gid] = user.split(':') as [string, string]
  const enter = ['-t', String(pid), '-m', '-n', '-p', '-r', '-w', '-S', uid, '-G', gid, '--', ...command]
  return spawnSync('nsenter', enter, { encoding: 'utf8', env: { PATH } })
}

/** Why this machine cannot walk the steps; undefined where it can. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root, for chroot and mounts'
  const can = spawnSync('unshare', ['-mnpf', 'sh', '-c', 'ip link set lo up && mount -t tmpfs tmpfs /mnt']).status === 0
  return can ? undefined : 'needs namespaces, mount and ip'
}
