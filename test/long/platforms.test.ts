import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const answers = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
/** Suffix of a test name: empty where this machine can run the test, otherwise the reason and the fix. */
function unless(programs: readonly string[], packages: string): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') return ' (skipped: needs linux-x64)'
  const absent = programs.filter((program) => !answers(program))
  return absent.length === 0 ? '' : ` (skipped: ${absent.join(' and ')} not found; on Debian run: apt-get install ${packages})`
}
function expectSuccess(...words: string[]): void {
  expect(spawnSync(process.execPath, words, { stdio: 'inherit' }).status).toBe(0)
}

const arm = unless(['aarch64-linux-gnu-g++', 'qemu-aarch64'], 'g++-aarch64-linux-gnu qemu-user')
test.skipIf(arm !== '')(`the cross-built linux-arm64 addon passes the tiny suite under qemu${arm}`, () =>
  expectSuccess('scripts/cross.mjs'),
)

const windows = unless(['x86_64-w64-mingw32-g++-posix'], 'g++-mingw-w64-x86-64-posix')
test.skipIf(windows !== '')(`all of native/ passes the syntax check of MinGW${windows}`, () =>
  expectSuccess('scripts/syntax.mjs', 'windows'),
)

const darwin = unless(['clang++-16'], 'clang-16 libc++-16-dev libc++abi-16-dev')
test.skipIf(darwin !== '')(`all of native/ passes the syntax check of Clang with libc++${darwin}`, () =>
  expectSuccess('scripts/syntax.mjs', 'darwin'),
)
