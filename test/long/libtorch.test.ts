import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { here, PLATFORMS } from '../../lib/libtorch/pins.js'

const root = packageRoot()
const cli = join(root, 'dist/bin/lvm.js')
const cache = mkdtempSync(join(tmpdir(), 'lvm-torch-long-'))
const store = join(cache, 'lvm-torch', 'libtorch')
const { LVM_TORCH_LIBTORCH: _, LVM_TORCH_USE_PYTORCH: __, ...rest } = process.env
const env = { ...rest, LVM_TORCH_CACHE: cache }
afterAll(() => rmSync(cache, { recursive: true, force: true }))

describe('the real libtorch', () => {
  test('an installation that is killed while it fetches leaves nothing that is used, and the next one succeeds', async () => {
    const first = spawn(process.execPath, [cli, 'libtorch', 'install'], { env, stdio: 'ignore', detached: true })
    const started = () =>
      existsSync(join(store, 'downloads')) && readdirSync(join(store, 'downloads')).some((name) => name.includes('cupti'))
    while (!started()) await sleep(100)
    await sleep(2000)
    process.kill(-first.pid!, 'SIGKILL') // pip too, as a closed terminal would
    await once(first, 'exit')
    expect(spawnSync(process.execPath, [cli, 'libtorch', 'info'], { env }).status).toBe(4)
    const second = spawnSync(process.execPath, [cli, 'libtorch', 'install'], { env, encoding: 'utf8' })
    expect([second.status, second.stdout]).toEqual([0, expect.stringMatching(/is installed: 2\.13\.0-cpu/)])
    expect(readdirSync(store).sort()).toEqual(['2.13.0-cpu', 'active'])
    expect(spawnSync(process.execPath, [cli, 'libtorch', 'verify'], { env }).status).toBe(0)
    expect(spawnSync(process.execPath, [cli, 'doctor'], { env }).status).toBe(0)
  })

  test('pip finds the pinned wheels of every platform', () => {
    for (const { tags, wheels } of Object.values(PLATFORMS)) {
      for (const { name, version } of wheels) {
        // `pip download` has no dry run; `pip install` has, and resolves in the same way.
        const args = [
          '-m',
          'pip',
          'install',
          '--dry-run',
          '--no-deps',
          '--only-binary=:all:',
          '--python-version',
          '311',
          '--target',
          cache,
        ]
        const all = tags.flatMap((tag) => ['--platform', tag])
        expect(spawnSync('python3', [...args, ...all, `${name}==${version}`], { encoding: 'utf8' })).toMatchObject({ status: 0 })
      }
    }
  })
})

describe.each(['2.11.0', '2.15.0'])('libtorch %s', (version) => {
  test('the sources compile against it, and what they make computes', () => {
    const downloads = join(cache, version)
    const tags = PLATFORMS[here]!.tags.flatMap((tag) => ['--platform', tag])
    const pip = [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--only-binary=:all:',
      '--python-version',
      '311',
      ...tags,
      '--dest',
      downloads,
      `torch==${version}`,
    ]
    execFileSync('python3', pip, { stdio: 'ignore' })
    const any = { ...env, LVM_TORCH_ANY_VERSION: '1' }
    execFileSync(process.execPath, [cli, 'libtorch', 'install', '--from', downloads], { env: any, stdio: 'ignore' })
    rmSync(downloads, { recursive: true })
    const libtorch = join(store, `${version}-cpu`)
    const made = join(cache, `build-${version}`)
    const building = { ...any, LVM_TORCH_LIBTORCH: libtorch, LVM_TORCH_BUILD: `build-cmake/${version}` }
    execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), join(made, 'build/Release/lvm_torch.node')], {
      cwd: root,
      env: building,
      stdio: 'inherit',
    })
    const trying = { ...building, LVM_TORCH_TRIAL: '1', LVM_TORCH_PREBUILD: made }
    const trial = spawnSync(process.execPath, [join(root, 'dist/lib/torch/trial.js'), 'cpu'], { env: trying, encoding: 'utf8' })
    expect(JSON.parse(trial.stdout)).toMatchObject({ ok: true, libtorch: version })
  })
})
