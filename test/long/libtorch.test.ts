import { type SpawnOptions, spawn } from 'node:child_process'
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

/** Waits without blocking: vitest gives up a worker that blocks for a minute. */
async function run(
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<{ status: number; stdout: string }> {
  const child = spawn(file, args, { env, ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout!.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  const [status] = await once(child, 'close')
  return { status, stdout }
}
const lvm = (args: readonly string[], options?: SpawnOptions) => run(process.execPath, [cli, ...args], options)

describe('the real libtorch', () => {
  test('an installation killed during the download leaves no usable libtorch, and the next one succeeds', async () => {
    const first = spawn(process.execPath, [cli, 'libtorch', 'install'], { env, stdio: 'ignore', detached: true })
    const started = () =>
      existsSync(join(store, 'downloads')) && readdirSync(join(store, 'downloads')).some((name) => name.includes('cupti'))
    while (!started()) await sleep(100)
    await sleep(2000)
    process.kill(-first.pid!, 'SIGKILL') // kills pip too, as a closed terminal does
    await once(first, 'exit')
    expect((await lvm(['libtorch', 'info'])).status).toBe(4)
    const second = await lvm(['libtorch', 'install'])
    expect([second.status, second.stdout]).toEqual([0, expect.stringMatching(/is installed: 2\.13\.0-cpu/)])
    expect(readdirSync(store).sort()).toEqual(['2.13.0-cpu', 'active'])
    expect((await lvm(['libtorch', 'verify'])).status).toBe(0)
    expect((await lvm(['doctor'])).status).toBe(0)
  })

  test('pip finds the pinned wheels of every platform', async () => {
    for (const { tags, wheels } of Object.values(PLATFORMS)) {
      for (const { name, version } of wheels) {
        // `pip download` has no dry run; `pip install` has one and resolves in the same way.
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
        expect((await run('python3', [...args, ...all, `${name}==${version}`])).status).toBe(0)
      }
    }
  })
})

describe.each(['2.11.0', '2.15.0'])('libtorch %s', (version) => {
  test(`the sources compile against libtorch ${version}, and the addon computes`, async () => {
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
    expect((await run('python3', pip)).status).toBe(0)
    const any = { ...env, LVM_TORCH_ANY_VERSION: '1' }
    expect((await lvm(['libtorch', 'install', '--from', downloads], { env: any })).status).toBe(0)
    rmSync(downloads, { recursive: true })
    const libtorch = join(store, `${version}-cpu`)
    const made = join(cache, `build-${version}`)
    const building = { ...any, LVM_TORCH_LIBTORCH: libtorch, LVM_TORCH_BUILD: `build-cmake/${version}` }
    const build = [join(root, 'scripts/build.mjs'), join(made, 'build/Release/lvm_torch.node')]
    expect((await run(process.execPath, build, { cwd: root, env: building })).status).toBe(0)
    const trying = { ...building, LVM_TORCH_TRIAL: '1', LVM_TORCH_PREBUILD: made }
    const trial = await run(process.execPath, [join(root, 'dist/lib/torch/trial.js'), 'cpu'], { env: trying })
    rmSync(join(root, building.LVM_TORCH_BUILD), { recursive: true })
    expect(JSON.parse(trial.stdout)).toMatchObject({ ok: true, libtorch: version })
  })
})
