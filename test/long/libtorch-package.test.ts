import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { LIBTORCH_PACKAGE } from '../../lib/libtorch/pins.js'

vi.setConfig({ testTimeout: 900_000, hookTimeout: 1_800_000 })

const root = packageRoot()
const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-without-python-'))
const [app, bin] = [join(scratch, 'app'), join(scratch, 'bin')]
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const which = (program: string) =>
  process.env
    .PATH!.split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path))!
/** Only these programs, and an empty cache, so that neither pip nor an installed libtorch is found. */
const env = { PATH: bin, HOME: scratch, LVM_TORCH_CACHE: join(scratch, 'cache'), NO_COLOR: '1', OMP_NUM_THREADS: '1' }
const run = (program: string, ...words: string[]) =>
  new Promise<{ status: number | null; stdout: string; stderr: string }>((done) => {
    const child = execFile(join(bin, program), words, { cwd: app, env, maxBuffer: 1e8 }, (_, stdout, stderr) =>
      done({ status: child.exitCode, stdout, stderr }),
    )
  })

let made: { packed_bytes: number; tarball: string }
beforeAll(() => {
  for (const folder of [app, bin]) mkdirSync(folder)
  for (const program of ['node', 'npm', 'npx', 'sh', 'env']) symlinkSync(which(program), join(bin, program))
  execFileSync(process.execPath, ['scripts/prebuild.mjs'], { cwd: root, stdio: 'pipe' })
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', scratch], { cwd: root, stdio: 'pipe' })
  made = JSON.parse(
    execFileSync(process.execPath, ['scripts/libtorch-package.mjs', join(scratch, 'made')], { cwd: root, encoding: 'utf8' }),
  )
  writeFileSync(join(app, 'package.json'), '{"name": "app", "private": true}')
})

test('the package of libtorch is small enough to be published', () => {
  expect(basename(made.tarball)).toBe(`${LIBTORCH_PACKAGE.replace('@', '').replace('/', '-')}-2.13.0.tgz`)
  expect(statSync(made.tarball).size).toBe(made.packed_bytes)
  expect(made.packed_bytes).toBeLessThan(150e6)
})

test('with both packages and without Python, lvm-torch trains and predicts', async () => {
  expect((await run('sh', '-c', 'command -v python3 || command -v pip || command -v c++')).status).not.toBe(0)
  const options = ['--offline', '--no-audit', '--no-fund']
  const installed = await run('npm', 'install', ...options, join(scratch, 'lvm-torch-0.1.0.tgz'), made.tarball)
  expect(installed).toMatchObject({ status: 0, stdout: expect.stringContaining('added 2 packages') })
  const { stdout } = await run('npx', 'lvm-torch', 'doctor', '--json')
  const found = join(app, 'node_modules', LIBTORCH_PACKAGE)
  expect(JSON.parse(stdout)).toMatchObject({
    usable: true,
    libtorch: expect.arrayContaining([expect.objectContaining({ path: found, used: true })]),
  })
  const data = 'node_modules/lvm-torch/data/sample/factbook.npy'
  const words = ['lstm', '--data', data, '--preset', 'tiny', '--epochs', '1', '--max-steps', '5']
  expect(await run('npx', 'lvm-torch', 'train', ...words)).toMatchObject({ status: 0 })
  expect(await run('npx', 'lvm-torch', 'predict', 'lstm_baseline', '--out', 'p.npy')).toMatchObject({ status: 0 })
})
