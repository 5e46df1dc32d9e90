import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const absent = ['aarch64-linux-gnu-g++', 'qemu-aarch64'].filter(
  (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0,
)
const able = process.platform === 'linux' && process.arch === 'x64'
const without = !able
  ? ' (skipped: only linux-x64 cross-builds it)'
  : absent.length > 0
    ? ` (skipped: ${absent.join(' and ')} not found; on Debian run: apt-get install g++-aarch64-linux-gnu qemu-user)`
    : ''

test.skipIf(without !== '')(`the cross-built linux-arm64 addon passes the tiny suite under qemu${without}`, () => {
  const { status } = spawnSync(process.execPath, ['scripts/cross.mjs'], { stdio: 'inherit' })
  expect(status).toBe(0)
})
