import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findLibtorch } from '../../lib/libtorch/find.js'
import { packageRoot, storeRoot } from '../../lib/libtorch/paths.js'

// Copying the 9,000 headers of libtorch takes up to a minute on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const root = packageRoot()
const libtorch = findLibtorch()
const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-package-'))
const app = join(scratch, 'app')
const bin = join(scratch, 'bin')
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Path of an installed program. */
const which = (program: string) =>
  process.env
    .PATH!.split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path))
/** Environment without a compiler, CMake and Python. */
const { LVM_TORCH_LIBTORCH: _, LVM_TORCH_USE_PYTORCH: __, ...rest } = process.env
/** npm variables that describe this package are removed; those of the registry and the cache stay. */
const ofScript = /^npm_(?!config_(registry|cache)$)/
const env = Object.fromEntries(Object.entries({ ...rest, PATH: bin, NO_COLOR: '1' }).filter(([key]) => !ofScript.test(key)))
/** Cache of this machine if it holds libtorch, else a new one that the test fills. */
const ready = dirname(libtorch.path) === storeRoot()
if (!ready) env.LVM_TORCH_CACHE = join(scratch, 'cache')

/** Runs a program without blocking the event loop: vitest gives up a worker that blocks for a minute. */
const run = (program: string, ...words: string[]) =>
  new Promise<{ status: number | null; stdout: string; stderr: string }>((done) => {
    const child = execFile(join(bin, program), words, { cwd: app, env, maxBuffer: 1e8 }, (_, stdout, stderr) =>
      done({ status: child.exitCode, stdout, stderr }),
    )
  })
const listed: string[] = []
let size = 0
/** Contents of this clone's addon and loader. */
const own = () => ['Release/lvm_torch.node', 'loader/loader.node'].map((file) => statSync(join(root, 'build', file)))
const before = own()
/** Output of prebuildify. */
let said = ''

beforeAll(async () => {
  mkdirSync(app)
  mkdirSync(bin)
  for (const program of ['node', 'npm', 'npx', 'sh', 'env']) symlinkSync(which(program)!, join(bin, program))
  // A download of Node's headers would fail, because this address does not answer.
  const offline = { ...process.env, npm_config_disturl: 'http://127.0.0.1:9/' }
  said = execFileSync(process.execPath, [join(root, 'scripts/prebuild.mjs')], {
    cwd: root,
    env: offline,
    stdio: 'pipe',
  }).toString()
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], {
    cwd: root,
    encoding: 'utf8',
    stdio: 'pipe',
  })
  const answer = JSON.parse(packed)
  const [{ filename, size: bytes, files }] = Object.values(answer) as [
    { filename: string; size: number; files: { path: string }[] },
  ]
  listed.push(...files.map(({ path }) => path))
  size = bytes
  writeFileSync(join(app, 'package.json'), '{"name": "app", "private": true}')
  // npm ci caches the tarballs of dependencies but not their registry entries, so this step needs the network.
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  const installed = await run('npm', 'install', ...options, join(scratch, basename(filename)))
  if (installed.status !== 0) throw new Error(installed.stderr)
})

describe('the tarball', () => {
  test('the tarball holds the compiled code, the sample and the prebuilt addon, and is small', async () => {
    const platform = `${process.platform}-${process.arch}`
    const needed = [
      'dist/bin/lvm.js',
      'dist/lib/index.js',
      'dist/lib/index.d.ts',
      'data/sample/factbook.npy',
      `prebuilds/${platform}/lvm-torch.node`,
      `prebuilds/${platform}/loader/loader.node`,
      'package.json',
    ]
    expect(listed).toEqual(expect.arrayContaining(needed))
    expect(size).toBeLessThan(15e6)
  })
  test('the tarball holds no sources, no tests and no binding.gyp, which would make npm start a build', async () => {
    expect(listed.filter((path) => /binding\.gyp|CMakeLists|^(native|test|lib|bin|scripts|build)/.test(path))).toEqual([])
    expect(listed.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.startsWith('examples/'))).toEqual([])
  })
})

describe('the installed package', () => {
  const folder = join(app, 'node_modules')
  const paths = () => readdirSync(folder, { recursive: true, encoding: 'utf8' })

  test('an installation is one package that takes less than 25 MB on disk', () => {
    expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual(['lvm-torch'])
    const blocks = paths().reduce((sum, path) => sum + Math.ceil(statSync(join(folder, path)).size / 4096), 0)
    expect(4096 * blocks).toBeLessThan(25e6)
  })
  test('the licences of the packages that the program holds are installed with it', () => {
    const held = join(folder, 'lvm-torch/dist/lib/packages')
    const packages: { name: string; version: string }[] = JSON.parse(readFileSync(join(held, 'packages.json'), 'utf8'))
    const text = readFileSync(join(held, 'LICENSES.txt'), 'utf8')
    expect(packages.length).toBeGreaterThan(50)
    for (const { name, version } of packages) expect(text).toContain(`${name} ${version} (`)
  })
})

describe('the prebuilt addon', () => {
  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`)

  test('the prebuilt addon is made through binding.gyp without a download, and its folder holds only the two addons', () => {
    expect(said).toMatch(/binding_gyp_lvm_torch_target_cmake/)
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['loader', join('loader', 'loader.node'), 'lvm-torch.node'])
  })
  test('the prebuilt addon is stripped, and the clone keeps the unstripped one', () => {
    expect(own().map(({ ino, mtimeMs }) => [ino, mtimeMs])).toEqual(before.map(({ ino, mtimeMs }) => [ino, mtimeMs]))
    if (process.platform === 'linux') expect(statSync(join(folder, 'lvm-torch.node')).size).toBeLessThan(before[0]!.size)
  })
})

describe('installed in an empty folder without a compiler', () => {
  test('the installed app has no compiler on its PATH', async () => {
    for (const program of ['cmake', 'c++', 'gcc', 'python3'])
      expect((await run('sh', '-c', `command -v ${program}`)).status).not.toBe(0)
  })

  test('npx lvm-torch --help and --version print help and versions', async () => {
    expect(await run('npx', 'lvm-torch', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('libtorch') })
    expect(await run('npx', 'lvm', '--version')).toMatchObject({ status: 0, stdout: expect.stringContaining('lvm-torch ') })
  })

  test('after npx lvm-torch libtorch install, doctor finds everything that training needs', async () => {
    const from = ready ? [] : ['--from', libtorch.path]
    expect(await run('npx', 'lvm-torch', 'libtorch', 'install', ...from)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/libtorch (is installed|was already installed): 2\.13\.\d+-cpu/),
    })
    const { status, stdout } = await run('npx', 'lvm-torch', 'doctor', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ usable: true, addon: expect.stringContaining('prebuilds') })
  })

  test('npx lvm-torch train writes a run', async () => {
    const words = [
      'lvm-torch',
      'train',
      'lstm',
      '--data',
      'node_modules/lvm-torch/data/sample/factbook',
      '--max-steps',
      '2',
      '--epochs',
      '1',
    ]
    const { status, stderr } = await run('npx', ...words)
    expect([status, stderr]).toEqual([0, expect.any(String)])
    const models = join(app, 'artifacts/lvm/models/lstm_baseline')
    for (const file of ['best_model.pt', 'final_model.pt', 'config.json', 'manifest.json'])
      expect(existsSync(join(models, file))).toBe(true)
  })

  test.each([
    ['require', 'consumer.cjs', "const lvm = require('lvm-torch')"],
    ['import', 'consumer.mjs', "import * as lvm from 'lvm-torch'"],
  ])('lvm-torch loaded by %s loads no libtorch before its first use', async (_, file, first) => {
    const code = `${first}
const loaded = () => process.platform === 'linux' && require('fs').readFileSync('/proc/self/maps', 'utf8').includes('torch_cpu')
const before = loaded()
lvm.Tensor.from([1, 2, 3]).op('aten::sum').then((sum) => sum.item()).then((sum) => console.log(JSON.stringify({ before, sum, after: loaded() })))`
    writeFileSync(
      join(app, file),
      file.endsWith('.mjs')
        ? `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n${code}`
        : code,
    )
    const { stdout, stderr } = await run('node', file)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ before: false, sum: 6, after: process.platform === 'linux' })
  })

  test('import and require of lvm-torch type-check, and a wrong call does not', async () => {
    const body = `
const sum: Promise<number> = Tensor.from(Float32Array.of(1, 2)).item()
async function follow(signal: AbortSignal) {
  for await (const event of train({ model: 'lstm', data: 'x.npz' }, { signal })) if (event.type === 'epoch') console.log(event.val_cosine)
}
export { follow, sum }
`
    writeFileSync(join(app, 'consumer.mts'), `import { Tensor, train } from 'lvm-torch'\n${body}`)
    writeFileSync(join(app, 'consumer.cts'), `import lvm = require('lvm-torch')\nconst { Tensor, train } = lvm\n${body}`)
    const options = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--target',
      'es2022',
      '--lib',
      'es2023,esnext.disposable',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--typeRoots',
      join(root, 'node_modules/@types'),
    ]
    writeFileSync(join(app, 'wrong.mts'), `import { train } from 'lvm-torch'\ntrain({ model: 'lstm', data: 3 })\n`)
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = await run('node', tsc, ...options, 'consumer.mts', 'consumer.cts', 'wrong.mts')
    expect(stdout.match(/^\S+: error TS\d+/gm)).toEqual([expect.stringMatching(/^wrong\.mts\(2,\d+\): error TS2322/)])
  })
})
