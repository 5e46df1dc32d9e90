import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { LvmError } from '../errors.js'
import { apart, type Env } from './paths.js'
import { LIBTORCH_PACKAGE, VERSION } from './pins.js'

const run = promisify(execFile)
const offline = `or without Python: npm install ${LIBTORCH_PACKAGE}; or download torch-${VERSION} elsewhere and run: npx lvm-torch libtorch install --from FILE.whl`

const PIP = {
  linux: 'sudo apt-get install -y python3-pip',
  darwin: 'brew install python',
  win32: 'winget install Python.Python.3.12',
}
/** Command that installs Python with pip on this system. */
export const installsPip = (): string => PIP[process.platform as keyof typeof PIP] ?? 'your package manager for python3-pip'

/** Finds a Python with pip. Errors: LIBTORCH_FETCH with the command that installs one. */
export async function pythonWithPip(): Promise<string> {
  let seen: string | undefined
  for (const python of ['python3', 'python']) {
    const version = await run(python, ['-m', 'pip', '--version'], apart()).catch((error: NodeJS.ErrnoException) => error)
    if (!(version instanceof Error)) return python
    if (version.code !== 'ENOENT') seen ??= python
  }
  const missing = seen === undefined ? 'python3 with pip on the PATH but found no Python' : `${seen} with pip but it has no pip`
  throw new LvmError('LIBTORCH_FETCH', `libtorch install: expected ${missing}`, {
    hint: `run: ${installsPip()} and try again; ${offline}`,
  })
}

/** Total size of the files below a folder; files that vanish meanwhile count as 0. Units: bytes. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const sizes = entries.map(async (entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory()
      ? sizeOf(path)
      : stat(path).then(
          (info) => info.size,
          () => 0,
        )
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

const finished = (child: ChildProcess) =>
  new Promise<number | null>((done, failed) => {
    child.on('error', failed)
    child.on('close', done)
  })

function refusal(requirement: string, log: string): LvmError {
  const last =
    log
      .trim()
      .split('\n')
      .findLast((line) => /error/i.test(line)) ??
    log.trim().split('\n').at(-1) ??
    ''
  if (/No space left/i.test(log))
    return new LvmError('NO_DISK', `libtorch install: the disk became full while pip fetched ${requirement}`)
  const network = /connection|resolve|resolution|unreachable|timed? ?out|Max retries|proxy|SSL/i.test(log)
  const what = network ? 'the network does not let pip through' : 'pip refused'
  return new LvmError('LIBTORCH_FETCH', `libtorch install: expected pip to fetch ${requirement} but ${what}: ${last.trim()}`, {
    hint: `${network ? 'check the network (or PIP_INDEX_URL and proxy settings) and run the same command again' : 'try: python3 -m pip install --upgrade pip'}; ${offline}`,
  })
}

/** Environment variables of pip and its network library that hold paths. */
const PATHS = [
  'PIP_FIND_LINKS',
  'PIP_CONFIG_FILE',
  'PIP_CONSTRAINT',
  'PIP_CERT',
  'PIP_CLIENT_CERT',
  'REQUESTS_CA_BUNDLE',
  'SSL_CERT_FILE',
]

/** Makes the relative paths in these variables absolute, because pip runs in another working folder. */
export const placed = (env: Env): Env =>
  Object.fromEntries(
    PATHS.filter((name) => env[name]).map((name) => [
      name,
      env[name]!.split(/\s+/)
        .map((word) => (existsSync(word) ? resolve(word) : word))
        .join(' '),
    ]),
  )

/** Downloads wheels into a folder with pip; `progress` receives the bytes downloaded so far. Errors: LIBTORCH_FETCH, NO_DISK. */
export async function download(
  python: string,
  requirements: readonly string[],
  folder: string,
  { tags, progress }: { tags: readonly string[]; progress: (bytes: number) => void },
): Promise<void> {
  // pip writes to its temporary folder first; below `folder` its size can be measured, its files are renamed instead of copied, and a kill leaves nothing outside the store.
  const temporary = join(folder, 'tmp')
  await mkdir(temporary, { recursive: true })
  const options = [
    '--no-deps',
    '--only-binary=:all:',
    '--python-version',
    '311',
    '--no-cache-dir',
    '--progress-bar',
    'off',
    '--no-input',
  ]
  const args = [
    '-m',
    'pip',
    'download',
    ...options,
    ...tags.flatMap((tag) => ['--platform', tag]),
    '--dest',
    folder,
    ...requirements,
  ]
  const { cwd, env: safe } = apart()
  const env = { ...safe, ...placed(safe), TMPDIR: temporary, TEMP: temporary, TMP: temporary, PIP_DISABLE_PIP_VERSION_CHECK: '1' }
  const before = await sizeOf(folder)
  const child = spawn(python, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text))
  const kill = () => child.kill()
  process.once('exit', kill)
  const watch = setInterval(async () => progress((await sizeOf(folder)) - before), 250)
  try {
    if ((await finished(child)) !== 0) throw refusal(requirements.join(' '), log)
  } finally {
    clearInterval(watch)
    process.off('exit', kill)
    await rm(temporary, { recursive: true, force: true })
  }
}
